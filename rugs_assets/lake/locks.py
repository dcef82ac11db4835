"""Locks between processes on one machine, kept by the kernel: a killed process holds none.

Belongs here: taking and waiting for a lock. Goes elsewhere: which lock an operation needs
(`storage`).
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rugs_assets.lake.errors import LakeBusy

_POLL_SECONDS = 0.02


@contextmanager
def held(path: Path, *, shared: bool, timeout: float) -> Iterator[None]:
    """Hold the lock file at `path`, created when absent, for the body of the `with`.

    Args:
        path: the lock file; its folder exists. It is never deleted: a deleted lock file locks
            nothing.
        shared: with other shared holders, or alone.
        timeout: seconds to wait for the other holders.

    Raises:
        LakeBusy: it was not free in time; names the file.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if not _acquired(descriptor, shared=shared, timeout=timeout):
            raise LakeBusy(
                f"the lock {path} was not free within {timeout:g} s: another process is writing or "
                "vacuuming this table; try again when it has ended"
            )
        yield
    finally:
        os.close(descriptor)


def _acquired(descriptor: int, *, shared: bool, timeout: float) -> bool:
    mode = (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB
    deadline = time.monotonic() + timeout
    while True:
        try:
            fcntl.flock(descriptor, mode)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_SECONDS)
        else:
            return True
