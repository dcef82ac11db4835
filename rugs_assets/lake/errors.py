"""What can go wrong in the lake; every message names the table, the date, the place and the cure.

Belongs here: exception types and the wording shared by several modules. Goes elsewhere: deciding
that something is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date


class LakeError(Exception):
    """Base of every error the lake raises on purpose."""


class SpecInvalid(LakeError):
    """A table is declared in a way that Delta or the reader cannot honour."""


class StoreInvalid(LakeError):
    """The place given for the store cannot be used."""


class RowsRefused(LakeError):
    """Rows handed to `Lake.replace` are not rows of that table and date; nothing was changed."""


class SchemaMismatch(LakeError):
    """What is stored was written under another schema or schema version than the reader's."""


class TableMissing(LakeError):
    """The store holds no such table."""


class VersionMissing(LakeError):
    """The table has no such version, or a file of that version is gone."""


class FileDamaged(LakeError):
    """A stored file is missing, cut short or fails its checksums."""


class WriteFailed(LakeError):
    """The storage refused a write (full, read-only, gone); the last complete version is intact."""


class CapturesRefused(LakeError):
    """The place of the captures is wrong, or may not be read; asking again changes nothing."""


class CapturesUnreached(LakeError):
    """The place of the captures did not answer, or changed under the reader; it may pass."""


class CommitConflict(LakeError):
    """Other writers won every one of the attempts to commit."""


class LakeBusy(LakeError):
    """Another process holds the lock that the operation needs."""


def in_a_line(error: BaseException) -> str:
    """What a library says, without its colours, line breaks and frames without a name.

    Of want of memory it says so, for what could not be read then may be whole.
    """
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).partition(" 0: <unknown>")[0]
    text = " ".join(text.split())
    return f"memory ran out ({text})" if isinstance(error, MemoryError) else text


def copy_unreadable(place: object, error: BaseException) -> FileDamaged:
    """A decoded capture that cannot be read."""
    cure = cure_in_want("delete it (it is made anew from the capture), then run it again", error)
    return FileDamaged(f"{place}, a decoded capture, cannot be read: {in_a_line(error)}; {cure}")


def cure_in_want(cure: str, error: object) -> str:
    """A cure, after the one for want of memory where that is what is told."""
    if not isinstance(error, MemoryError):
        return cure
    return f"free memory and run it again; if that fails too, {cure}"


def cure_of(asset: str, day: date | None, *, also: Sequence[str] = ()) -> str:
    """The command that computes a date of an asset again.

    Args:
        asset: as `TableSpec.made_by` names it.
        day: None where no date is known.
        also: assets after it that are to be computed too.
    """
    partition = day.isoformat() if day is not None else "<date>"
    selection = " or ".join(f'key:"{name}"' for name in (asset, *also))
    return f"dagster asset materialize --select '{selection}' --partition {partition}"
