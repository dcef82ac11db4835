"""Capture files: finding them under the landing folder, telling their format, opening them.

In: the landing folder. Out: `CaptureFile` records in a stable order, and binary streams of their
decompressed bytes. Invariants: the format is told by content, never by name; a link that leads out
of the folder is not followed; what is no capture is listed as unrecognised, never read as one.
"""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
import zstandard

from rugs_assets.domain.records import read_records

JSONL, EVENT_STORE, UNRECOGNISED, UNREADABLE = "jsonl", "event-store", "unrecognised", "unreadable"

SNIFFED_BYTES = 1 << 20
_GZIP, _ZSTD, _PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"
_NEEDED_COLUMNS = {"ts", "session_id", "raw_json"}


@dataclass(frozen=True, slots=True)
class CaptureFile:
    """A file under the landing folder.

    Attributes:
        path: relative to the folder, with forward slashes; what tables call ``source_file``.
        size: bytes; ``mtime_ns`` its time of change.
        format: "jsonl" (raw captures and tick recorder), "event-store", "unrecognised", or
            "unreadable" (``problem`` says why).
    """

    root: Path
    path: str
    size: int
    mtime_ns: int
    format: str
    problem: str | None = None

    @property
    def location(self) -> Path:
        """Where the file lies."""
        return self.root / self.path

    @property
    def session_id(self) -> str:
        """The session of a JSONL file: its path without the endings that say how it is packed."""
        path = self.path
        for ending in (".gz", ".zst", ".jsonl"):
            path = path.removesuffix(ending)
        return path

    @property
    def folder(self) -> str:
        """The folder it lies in, relative to the landing folder."""
        return self.path.rpartition("/")[0]


def find_captures(root: Path) -> list[CaptureFile]:
    """All files under a folder, sorted by path; hidden ones and leaving links are left out."""
    found = []
    real_root = root.resolve()
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            location = Path(folder) / name
            if name.startswith(".") or not location.resolve().is_relative_to(real_root):
                continue
            if location.is_file() or not os.access(location, os.R_OK):
                found.append(_describe(root, location))
    return sorted(found, key=lambda file: file.path)


def _describe(root: Path, location: Path) -> CaptureFile:
    path = location.relative_to(root).as_posix()
    try:
        status = location.stat()
        file = CaptureFile(root, path, status.st_size, status.st_mtime_ns, UNRECOGNISED)
        with location.open("rb") as stream:
            head = stream.read(4)
    except OSError as error:
        return CaptureFile(root, path, 0, 0, UNREADABLE, str(error))
    if head == _PARQUET:
        return _with(file, *_sniff_parquet(location))
    try:
        with open_bytes(location) as stream:
            return _with(file, _sniff_text(stream.read(SNIFFED_BYTES)), None)
    except (OSError, EOFError, zstandard.ZstdError) as error:
        return _with(file, UNREADABLE, f"{type(error).__name__}: {error}")


def _with(file: CaptureFile, kind: str, problem: str | None) -> CaptureFile:
    return CaptureFile(file.root, file.path, file.size, file.mtime_ns, kind, problem)


def _sniff_parquet(location: Path) -> tuple[str, str | None]:
    try:
        names = set(pq.read_schema(location).names)
    except (OSError, pa.ArrowException) as error:
        return UNREADABLE, str(error)
    missing = _NEEDED_COLUMNS - names
    return (
        (UNRECOGNISED, f"no column {', '.join(sorted(missing))}")
        if missing
        else (EVENT_STORE, None)
    )


def _sniff_text(head: bytes) -> str:
    """JSONL where at least one record of the beginning is an event."""
    if b"\x00" in head[:4096]:
        return UNRECOGNISED
    return (
        JSONL if any(chunk.envelopes for chunk in read_records(io.BytesIO(head))) else UNRECOGNISED
    )


@contextmanager
def open_bytes(location: Path) -> Iterator[BinaryIO]:
    """Open a file for reading; gzip and zstd, told by their first bytes, are decompressed."""
    with location.open("rb") as raw:
        head = raw.read(4)
        raw.seek(0)
        if head[:2] == _GZIP:
            with gzip.open(raw) as stream:
                yield cast(BinaryIO, stream)
        elif head == _ZSTD:
            with zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True) as stream:
                yield cast(BinaryIO, stream)
        else:
            yield raw


class DigestingStream(io.RawIOBase):
    """A stream that remembers the digest of what was read from it, and a break in the middle.

    A compressed file that ends early gives what could be decompressed; `broken` says why it ended.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._digest = xxhash.xxh3_128()
        self.broken: str | None = None

    def read(self, size: int = -1) -> bytes:
        """Read up to ``size`` bytes."""
        try:
            data = self._stream.read(size)
        except (OSError, EOFError, zstandard.ZstdError) as error:
            self.broken = f"{type(error).__name__}: {error}"
            return b""
        self._digest.update(data)
        return data

    def hexdigest(self) -> str:
        """The digest of the bytes read so far (xxh3-128, hex)."""
        return self._digest.hexdigest()


def store_rows(location: Path) -> Iterator[Any]:
    """The rows of an event-store file as record batches of the columns that are there."""
    with pq.ParquetFile(location) as file:
        yield from file.iter_batches()
