"""Capture files: finding them under the landing folder, telling their format, opening them.

In: the landing folder. Out: `CaptureFile` records in a stable order, and streams of their bytes or
rows. Invariants: the format is told by content, never by name; links are listed and not followed
(one that stays in the folder would give the same file twice, one that leaves it is none of ours);
what is no capture is listed as unrecognised, never read as one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from rugs_assets.domain import protocol, stored_rows
from rugs_assets.domain.records import LONGEST_LINE, read_records
from rugs_assets.lake.decompression import FirstBytes, PlainBytes
from rugs_assets.lake.known_formats import KnownFormats, Told

JSONL, EVENT_STORE, UNRECOGNISED, UNREADABLE = "jsonl", "event-store", "unrecognised", "unreadable"

SNIFFED_BYTES = LONGEST_LINE + (4 << 20)
"""How much of a text file is searched for a first record before it counts as no capture."""

_SNIFFED_AT_ONCE = 64 << 10
_PARQUET = b"PAR1"


@dataclass(frozen=True, slots=True)
class CaptureFile:
    """A file under the landing folder.

    Attributes:
        location: where it lies.
        path: relative to the folder, with forward slashes; what tables call ``source_file``. Bytes
            of a name that are no UTF-8 are escaped.
        size: bytes; ``mtime_ns`` its time of change.
        format: "jsonl" (raw captures and tick recorder), "event-store", "unrecognised", or
            "unreadable"; ``problem`` says why where it is none of the first two.
        session_id: the session of a JSONL file: its path without the endings that say how it is
            packed, as long as no other file has the same one.
    """

    location: Path
    path: str
    size: int = 0
    mtime_ns: int = 0
    format: str = UNRECOGNISED
    problem: str | None = None
    session_id: str = ""

    @property
    def folder(self) -> str:
        """The folder it lies in, relative to the landing folder."""
        return self.path.rpartition("/")[0]


def find_captures(root: Path, known: KnownFormats) -> list[CaptureFile]:
    """All files under a folder, sorted by path; hidden ones are left out.

    Args:
        root: the folder; one that is not there holds nothing.
        known: formats told earlier; brought up to date.
    """
    found: list[CaptureFile] = []
    if not root.exists():
        return found

    def unlisted(error: OSError) -> None:
        found.append(_unreadable(root, Path(error.filename), error))

    for folder, folders, names in os.walk(root, onerror=unlisted):
        folders[:] = [name for name in folders if not name.startswith(".")]
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        shown = [Path(folder) / name for name in [*names, *links] if not name.startswith(".")]
        found += [_describe(root, location, known) for location in shown]
    return _with_sessions(sorted(found, key=lambda file: file.path))


def _describe(root: Path, location: Path, known: KnownFormats) -> CaptureFile:
    file = CaptureFile(location, _name(root, location))
    try:
        if location.is_symlink():
            return replace(file, problem="a symbolic link; links are not followed")
        if not location.is_file():
            return replace(file, problem="no regular file")
        status = location.stat()
        file = replace(file, size=status.st_size, mtime_ns=status.st_mtime_ns)
        told = known.get(file) or _sniff(file)
        # Why a file can't be read need not show in it: that is looked at again each time.
        if told.get("format") != UNREADABLE:
            known.put(file, told)
        return replace(file, format=told.get("format", UNRECOGNISED), problem=told.get("problem"))
    except OSError as error:
        return _unreadable(root, location, error)


def _unreadable(root: Path, location: Path, error: OSError) -> CaptureFile:
    problem = error.strerror or str(error)
    return CaptureFile(location, _name(root, location), format=UNREADABLE, problem=problem)


def _name(root: Path, location: Path) -> str:
    name = os.fsencode(location.relative_to(root).as_posix())
    return name.decode("utf-8", "backslashreplace")


def _with_sessions(files: list[CaptureFile]) -> list[CaptureFile]:
    """Name the session of each JSONL file; no two files share one."""
    taken: set[str] = set()
    named = []
    for file in files:
        session_id = file.path
        for ending in (".gz", ".zst", ".jsonl"):
            session_id = session_id.removesuffix(ending)
        if file.format == JSONL:
            session_id = file.path if session_id in taken else session_id
            taken.add(session_id)
        named.append(replace(file, session_id=session_id))
    return named


def _sniff(file: CaptureFile) -> Told:
    """The format of a file, and what is wrong with it, from its content."""
    with file.location.open("rb") as stream:
        if stream.read(4) == _PARQUET:
            return _sniff_parquet(file.location)
    with open_bytes(file) as plain:
        return _sniff_text(plain)


def _sniff_parquet(location: Path) -> Told:
    try:
        problems = stored_rows.unreadable_columns(pq.read_schema(location))
    except (OSError, pa.ArrowException) as error:
        return {"format": UNREADABLE, "problem": str(error)}
    if problems:
        return {"format": UNRECOGNISED, "problem": ", ".join(problems)}
    return {"format": EVENT_STORE}


def _sniff_text(stream: PlainBytes) -> Told:
    """JSONL where one record of the beginning is plainly an event or a line of the recorder."""
    first = cast(BinaryIO, FirstBytes(cast(BinaryIO, stream), SNIFFED_BYTES))
    for chunk in read_records(first, chunk_bytes=_SNIFFED_AT_ONCE):
        if any(map(protocol.is_plainly_recorded, chunk.envelopes)):
            return {"format": JSONL}
    if stream.broken is not None:
        return {"format": UNREADABLE, "problem": stream.broken}
    return {"problem": "no record of a capture in it"}


@contextmanager
def open_bytes(file: CaptureFile) -> Iterator[PlainBytes]:
    """Open a file for reading its plain bytes, as far as it went when it was found."""
    with file.location.open("rb") as stream:
        yield PlainBytes(stream, file.size)


def store_rows(file: CaptureFile) -> Iterator[pa.RecordBatch]:
    """The rows of an event-store file as record batches of the columns that are read."""
    with pq.ParquetFile(file.location) as parquet:
        columns = [name for name in stored_rows.READ if name in parquet.schema_arrow.names]
        yield from parquet.iter_batches(columns=columns)


def store_row_count(file: CaptureFile) -> int:
    """How many rows an event-store file says it has."""
    with pq.ParquetFile(file.location) as parquet:
        return int(parquet.metadata.num_rows)
