"""Known formats: what kind of file each file of the landing folder is, so that none is told twice.

In: files that were found. Out: their formats as told by an earlier look, where neither size nor
time of change differ. Kept as one small JSON file in the cache; losing it costs time, nothing else.
"""

from __future__ import annotations

import os
from pathlib import Path
from threading import get_ident
from typing import Protocol

import msgspec

SNIFFER_VERSION = 1
"""Goes up with every change of how formats are told."""

Told = dict[str, str]
"""``format`` and, where there is one, ``problem``, as in `capture_files.CaptureFile`."""


class _File(Protocol):
    @property
    def path(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def mtime_ns(self) -> int: ...


class KnownFormats:
    """Formats told earlier.

    Args:
        cache: the folder they are kept in; made when needed.
    """

    def __init__(self, cache: Path) -> None:
        self._file = cache / f"formats-{SNIFFER_VERSION}.json"
        self._known: dict[str, tuple[int, int, Told]] = {}
        self._is_changed = False
        try:
            found = self._file.read_bytes()
            self._known = msgspec.json.decode(found, type=dict[str, tuple[int, int, Told]])
        except (OSError, msgspec.MsgspecError):
            return

    def get(self, file: _File) -> Told | None:
        """What was told of the file, as long as it did not change since."""
        size, mtime_ns, told = self._known.get(file.path, (-1, -1, None))
        return told if (size, mtime_ns) == (file.size, file.mtime_ns) else None

    def put(self, file: _File, told: Told) -> None:
        """Note what was told of a file."""
        entry = (file.size, file.mtime_ns, told)
        if self._known.get(file.path) != entry:
            self._known[file.path] = entry
            self._is_changed = True

    def save(self) -> None:
        """Keep what was noted; the file appears whole or not at all."""
        if not self._is_changed:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        scratch = self._file.with_name(f".{self._file.name}-{os.getpid()}-{get_ident()}")
        try:
            scratch.write_bytes(msgspec.json.encode(self._known, order="sorted"))
            scratch.replace(self._file)
        finally:
            scratch.unlink(missing_ok=True)
        self._is_changed = False
