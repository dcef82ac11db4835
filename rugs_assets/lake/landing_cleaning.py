"""Taking decoded captures out of the cache when no capture refers to them any more.

A capture that grew, was replaced or removed leaves its earlier decoded copy behind. A run that is
at work may still read it, and nothing tells that from outside; so a copy goes only when it was
found without a capture once before, long enough ago for any such run to have ended.

In: the cache, what of it is in use, the time. Out: what was removed. Invariants: what is in use
stays; an entry goes whole, its summary first, so that nobody finds half of it; what is removed by
mistake is decoded again.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

KEEP_HOURS = 48.0
"""Longer than any run takes."""
_NOTES = "unreferenced-1.json"
_PARTS = (".json", ".events.parquet", ".rejects.parquet")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What was taken out (or, dry, would be).

    Attributes:
        entries: names of the decoded copies, sorted.
        bytes: what they took up.
        waiting: how many go later, when nobody can be reading them any more.
    """

    entries: tuple[str, ...]
    bytes: int
    waiting: int
    dry_run: bool


def clean_decoded(
    cache: Path,
    used: Collection[Path],
    *,
    now: float,
    keep_hours: float = KEEP_HOURS,
    dry_run: bool = True,
) -> Cleaned:
    """Remove decoded copies that no capture has referred to for a while.

    Args:
        cache: the folder of the decoded captures.
        used: the files of events that the captures of this moment refer to.
        now: the time [seconds since 1970].
        keep_hours: for how long an entry must have been without a capture.
        dry_run: only say what would go.
    """
    in_use = {path.name.removesuffix(_PARTS[1]) for path in used}
    present = {
        path.name.removesuffix(_PARTS[1])
        for path in (cache.iterdir() if cache.is_dir() else ())
        if path.name.endswith(_PARTS[1]) and not path.name.startswith(".")
    }
    before = _notes(cache)
    since = {name: before.get(name, now) for name in sorted(present - in_use)}
    gone = [name for name, first in since.items() if now - first >= keep_hours * 3_600]
    size = sum(_size(cache / f"{name}{part}") for name in gone for part in _PARTS)
    if not dry_run:
        for name in gone:
            for part in _PARTS:
                (cache / f"{name}{part}").unlink(missing_ok=True)
            del since[name]
        _write_notes(cache, since)
    waiting = len(since) - (len(gone) if dry_run else 0)
    return Cleaned(tuple(gone), size, waiting, dry_run)


def _notes(cache: Path) -> dict[str, float]:
    """Entry -> when it was first found without a capture [seconds since 1970]."""
    try:
        return msgspec.json.decode((cache / _NOTES).read_bytes(), type=dict[str, float])
    except (OSError, msgspec.MsgspecError):
        return {}


def _write_notes(cache: Path, since: Mapping[str, float]) -> None:
    if not since and not (cache / _NOTES).exists():
        return
    scratch = cache / f".{_NOTES}-{os.getpid()}-0"
    scratch.write_bytes(msgspec.json.encode(dict(since), order="sorted"))
    scratch.replace(cache / _NOTES)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
