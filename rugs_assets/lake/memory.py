"""How much memory may be taken, and how it is given back."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa

_FALLBACK = 2**31
_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")


MANY_ROWS = 2**17
"""After so many, memory is given back: next to them it costs nothing, and others need it."""

LONG_DATE = 2**19
"""Rows of a full day. While more than these are written, memory is given back four times as often:
a tenth more CPU then, and 12 MiB of 280 less at ten times a full day."""


class Ebb:
    """Gives memory back while rows go by.

    What stays of each row group (its part of the footer) lies between buffers that go: without
    this, what is free grows with a date, 50 MiB for ten days of events.

    Args:
        writes: whether the rows are written.
    """

    def __init__(self, *, writes: bool = False) -> None:
        self._writes = writes
        self._passed = self._kept = 0

    def passed(self, rows: int) -> None:
        """Return to the system what is free, whenever many rows have gone by."""
        self._passed += rows
        self._kept += rows
        often = self._writes and self._passed > LONG_DATE
        if self._kept >= (MANY_ROWS // 4 if often else MANY_ROWS):
            self._kept = 0
            pa.default_memory_pool().release_unused()


def default_limit() -> int:
    """Bytes: half of what is available now; 1 GiB where the system does not say."""
    found = [free for free in (_of_the_machine(), _of_the_container()) if free is not None]
    return min(found, default=_FALLBACK) // 2


def _of_the_machine() -> int | None:
    try:
        said = re.search(r"^MemAvailable:\s+(\d+) kB", _MEMINFO.read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(said[1]) * 1024 if said else None


def _of_the_container() -> int | None:
    try:
        limit = (_CGROUP / "memory.max").read_text().strip()
        used = int((_CGROUP / "memory.current").read_text())
    except (OSError, ValueError):
        return None
    return max(0, int(limit) - used) if limit.isdigit() else None
