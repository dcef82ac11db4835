"""Capture files: finding them under the landing folder, telling their format.

In: the landing folder. Out: `CaptureFile` records in a stable order. Invariants: the format is told
by content, never by name; links are listed and not followed (one that stays in the folder would
give the same file twice, one that leaves it is none of ours); what is no capture is listed as
unrecognised, never read as one. How the files are read stands in ``capture_reading``.
"""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow.parquet as pq

from rugs_assets.domain import protocol, stored_rows
from rugs_assets.domain.records import LONGEST_LINE, read_records
from rugs_assets.lake.capture_reading import DAMAGED, open_bytes, opened, why
from rugs_assets.lake.decompression import PlainBytes
from rugs_assets.lake.known_formats import (
    EVENT_STORE,
    JSONL,
    UNREADABLE,
    UNRECOGNISED,
    CaptureFile,
    KnownFormats,
    Told,
)
from rugs_assets.lake.paths import shown_name

__all__ = ["EVENT_STORE", "JSONL", "UNREADABLE", "UNRECOGNISED", "CaptureFile", "find_captures"]

SNIFFED_BYTES = LONGEST_LINE + (4 << 20)
"""How much of a text file is searched for a first record before it counts as no capture; lines that
are too long to be read do not count."""

_SNIFFED_AT_ONCE = 64 << 10
_PARQUET = b"PAR1"


def find_captures(root: Path, known: KnownFormats) -> list[CaptureFile]:
    """All files under a folder, sorted by path; hidden ones are left out.

    Args:
        root: the folder; one that is not there holds nothing.
        known: formats told earlier; brought up to date.
    """
    found: list[CaptureFile] = []
    if not root.exists():
        return found

    # Not os.walk: it calls itself for every level, and a thousand of them are too many for Python.
    folders = [os.fspath(root)]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as listing:
                entries = [entry for entry in listing if not entry.name.startswith(".")]
            below = {e.path for e in entries if e.is_dir(follow_symlinks=False)}
        except OSError as error:
            found.append(_unreadable(root, folder, error))
            continue
        folders += below
        found += [_describe(root, e, known) for e in entries if e.path not in below]
    return _with_sessions(sorted(found, key=lambda file: file.path))


def _describe(root: Path, entry: os.DirEntry[str], known: KnownFormats) -> CaptureFile:
    name = _name(root, entry.path)
    try:
        # One call a file: a landing folder may hold thousands, and every run looks at all of them.
        status = entry.stat(follow_symlinks=False)
        if stat.S_ISLNK(status.st_mode):
            return CaptureFile(entry.path, name, problem="a symbolic link; links are not followed")
        if not stat.S_ISREG(status.st_mode):
            return CaptureFile(entry.path, name, problem="no regular file")
        file = CaptureFile(entry.path, name, status.st_size, status.st_mtime_ns)
        told = known.get(file) or _sniff(file)
        # Why a file can't be read need not show in it: that is looked at again each time.
        if told.get("format") != UNREADABLE:
            known.put(file, told)
        return replace(file, format=told.get("format", UNRECOGNISED), problem=told.get("problem"))
    except OSError as error:
        return _unreadable(root, entry.path, error)


def _unreadable(root: Path, place: str, error: OSError) -> CaptureFile:
    return CaptureFile(place, _name(root, place), format=UNREADABLE, problem=why(error))


def _name(root: Path, place: str) -> str:
    # What is listed begins with the folder it was listed from; `Path` would take both apart.
    below = place[len(os.fspath(root)) :].lstrip(os.sep)
    return shown_name(below.replace(os.sep, "/") or ".")


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
    with opened(file.location) as stream:
        if stream.read(4) == _PARQUET:
            return _sniff_parquet(file.location)
    with open_bytes(file) as plain:
        return _sniff_text(plain)


def _sniff_parquet(location: Path) -> Told:
    try:
        problems = stored_rows.unreadable_columns(pq.read_schema(location))
    except DAMAGED as error:
        return {"format": UNREADABLE, "problem": str(error)}
    if problems:
        return {"format": UNRECOGNISED, "problem": ", ".join(problems)}
    return {"format": EVENT_STORE}


def _sniff_text(stream: PlainBytes) -> Told:
    """JSONL where one record of the beginning is plainly an event or a line of the recorder."""
    skipped = 0
    for chunk in read_records(cast(BinaryIO, stream), chunk_bytes=_SNIFFED_AT_ONCE):
        if any(map(protocol.is_plainly_recorded, chunk.envelopes)):
            return {"format": JSONL}
        skipped += sum(bad.length for bad in chunk.rejects if bad.length > LONGEST_LINE)
        if stream.given - skipped > SNIFFED_BYTES:
            break
    if stream.broken is not None:
        return {"format": UNREADABLE, "problem": stream.broken}
    return {"problem": "no record of a capture in it"}
