"""What the processes of the fault tests do: importable by `multiprocessing`, free of pytest."""

from __future__ import annotations

import importlib
import itertools
import resource
import threading
from datetime import date
from multiprocessing.connection import Connection
from pathlib import Path

from rugs_assets.lake.errors import WriteFailed
from rugs_assets.lake.tables import Lake
from rugs_assets_tests.lake.example_tables import MONDAY, THINGS, batches, made_by


def write_generations(root: str, day: date, generations: list[int], rows: int) -> None:
    """Replace a date once for each generation."""
    lake = Lake(root)
    for generation in generations:
        lake.replace(THINGS, day, batches(rows, generation), made_by(f"run-{generation}"))


def write_for_ever(root: str, ready: str, first: int) -> None:
    """Replace Monday with one generation after another until killed."""
    lake = Lake(root)
    for generation in itertools.count(first):
        lake.replace(THINGS, MONDAY, batches(900, generation), made_by(f"run-{generation}"))
        Path(ready).touch()


def write_with_little_room(root: str, said: str) -> None:
    """Replace Monday where no file may grow beyond 8 KiB; leave the error's text in `said`."""
    lake = Lake(root)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_192, 8_192))
    try:
        lake.replace(THINGS, MONDAY, batches(20_000, 5), made_by("run-5"))
    except WriteFailed as error:
        Path(said).write_text(str(error))


def create(root: str) -> None:
    """Create the table."""
    Lake(root).ensure(THINGS)


def serve_s3(port_to: Connection) -> None:
    """Serve S3 on a free port of loopback until killed; send its URL."""
    server = importlib.import_module("moto.server").ThreadedMotoServer(
        ip_address="127.0.0.1", port=0, verbose=False
    )
    server.start()
    host, port = server.get_host_and_port()
    port_to.send(f"http://{host}:{port}")
    threading.Event().wait()
