"""A file as a look shows it, in a folder or in a bucket: name, size and time, and no content."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class SeenFile:
    """A file as a look shows it: path below the captures' place, bytes, time of change [ns]."""

    path: str
    size: int
    mtime_ns: int
