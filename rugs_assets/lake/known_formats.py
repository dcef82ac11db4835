"""Known formats: what kind of file each file of the landing folder is, so that none is told twice.

In: files that were found. Out: their formats as told by an earlier look, where neither size nor
time of change differ. Kept as one small JSON file in the cache; losing it costs time, nothing else.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import get_ident

import msgspec

from rugs_assets.lake.errors import WriteFailed

JSONL, EVENT_STORE, UNRECOGNISED, UNREADABLE = "jsonl", "event-store", "unrecognised", "unreadable"

SNIFFER_VERSION = 3
"""Goes up with every change of how formats are told."""

Told = dict[str, str]
"""``format`` and, where there is one, ``problem``, as in `CaptureFile`."""


@dataclass(frozen=True, slots=True)
class CaptureFile:
    """A file under the landing folder.

    Attributes:
        place: where it lies, as text: a look at thousands of files makes no `Path` of each.
        path: relative to the folder, with forward slashes; what tables call ``source_file``. Bytes
            of a name that are no UTF-8 are escaped.
        size: bytes; ``mtime_ns`` its time of change.
        format: "jsonl" (raw captures and tick recorder), "event-store", "unrecognised", or
            "unreadable"; ``problem`` says why where it is none of the first two.
        session_id: the session of a JSONL file: its path without the endings that say how it is
            packed, as long as no other file has the same one.
    """

    place: str
    path: str
    size: int = 0
    mtime_ns: int = 0
    format: str = UNRECOGNISED
    problem: str | None = None
    session_id: str = ""

    @property
    def location(self) -> Path:
        """Where it lies."""
        return Path(self.place)

    @property
    def folder(self) -> str:
        """The folder it lies in, relative to the landing folder."""
        return self.path.rpartition("/")[0]


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

    def get(self, file: CaptureFile) -> Told | None:
        """What was told of the file, as long as it did not change since."""
        size, mtime_ns, told = self._known.get(file.path, (-1, -1, None))
        return told if (size, mtime_ns) == (file.size, file.mtime_ns) else None

    def put(self, file: CaptureFile, told: Told) -> None:
        """Note what was told of a file."""
        entry = (file.size, file.mtime_ns, told)
        if self._known.get(file.path) != entry:
            self._known[file.path] = entry
            self._is_changed = True

    def save(self) -> None:
        """Keep what was noted; the file appears whole or not at all.

        Raises:
            WriteFailed: the cache cannot be written.
        """
        if not self._is_changed:
            return
        scratch = self._file.with_name(f".{self._file.name}-{os.getpid()}-{get_ident()}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            scratch.write_bytes(msgspec.json.encode(self._known, order="sorted"))
            scratch.replace(self._file)
        except OSError as error:
            raise WriteFailed(
                f"{self._file} cannot be written: {error}; make room or restore access (what lies "
                "in this folder may be deleted at any time), then run it again"
            ) from error
        finally:
            with suppress(OSError):
                scratch.unlink(missing_ok=True)
        self._is_changed = False
