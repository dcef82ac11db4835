"""A server on loopback that speaks S3, in a process of its own, and the variables that name it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager

from rugs_assets_tests.lake import writer_process


@contextmanager
def serving() -> Iterator[str]:
    """The server's URL."""
    # In a process of its own: deltalake holds the interpreter's lock while it waits for an answer.
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=writer_process.serve_s3, args=(theirs,), daemon=True)
    process.start()
    assert ours.poll(60), "the server did not start"
    yield ours.recv()
    process.kill()
    process.join()


def variables(endpoint: str) -> dict[str, str]:
    """What the libraries read."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "hush-hush",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
