"""The health of what lies under a store: free space, the clock, the key of the pseudonyms.

In: places and what is known of them. Out: findings. Nothing is written, no key is read out.

Belongs here: what any store needs of its machine. Goes elsewhere: Dagster's databases and the
environment (`rugs_assets.orchestration.doctor`).
"""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from rugs_assets.lake.findings import MAINTENANCE, Finding, finding_of

_ALWAYS = 512 * 2**20
"""Bytes that Dagster's logs and databases and a new environment want in any case."""
_PARALLEL = 2
_AMPLE = 5
_LEEWAY = timedelta(minutes=2)
_SHORT = 16


def disk_space(places: Iterable[Path], *, largest_date: int, to_decode: int) -> Finding:
    """Whether there is room to go on.

    Args:
        places: folders that are written to; they need not exist yet.
        largest_date: bytes of the largest stored date.
        to_decode: bytes of captures that are still to be decoded.
    """
    need = _ALWAYS + _PARALLEL * largest_date + to_decode
    free = {_existing(place): 0 for place in places}
    for place in free:
        free[place] = shutil.disk_usage(place).free
    cure = f"make room; what no version needs goes by `{MAINTENANCE}`"
    short = [
        f"{place}: {_size(left)} free, {_size(need)} needed"
        for place, left in free.items()
        if left < need
    ]
    if short:
        return finding_of("disk_space", short, "", cure)
    scarce = [
        f"{place}: {_size(left)} free, little more than the {_size(need)} needed"
        for place, left in free.items()
        if left < _AMPLE * need
    ]
    well = ", ".join(f"{place}: {_size(left)} free" for place, left in free.items())
    return finding_of("disk_space", scarce, f"{well}; {_size(need)} needed", cure, level="warn")


def clock(now: datetime, latest: Iterable[tuple[datetime, str]], first_date: date) -> Finding:
    """Whether the clock of this machine can be right.

    Args:
        now: what it shows (UTC).
        latest: times that cannot lie ahead, and what they are the times of.
        first_date: `RUGS_START_DATE`.
    """
    ahead = [
        f"{what} is of {at:%Y-%m-%d %H:%M:%S}, ahead of now"
        for at, what in latest
        if at > now + _LEEWAY
    ]
    if now.date() <= first_date:
        ahead.append(f"the first date, {first_date} (RUGS_START_DATE), has not ended yet")
    return finding_of(
        "clock",
        ahead,
        f"{now:%Y-%m-%d %H:%M:%S} UTC",
        f"this machine's clock shows {now:%Y-%m-%d %H:%M:%S} UTC; if that is wrong, set it:"
        " `timedatectl set-ntp true`",
    )


def pseudonym_key(file: Path, given: str | None, *, is_used: bool) -> Finding:
    """Whether the key that makes player ids into pseudonyms is there and nobody else's.

    Args:
        file: where it is kept when it is not given.
        given: the value of `RUGS_PSEUDONYM_KEY`.
        is_used: whether rows were made with it already.
    """
    name = "pseudonym_key"
    if given is not None:
        cure = "set RUGS_PSEUDONYM_KEY to what `openssl rand -hex 32` prints; dates materialized"
        cure += " before have other pseudonyms until they are materialized again"
        short = [f"RUGS_PSEUDONYM_KEY has {len(given)} characters: short keys can be guessed"]
        told = short if len(given) < _SHORT else []
        return finding_of(name, told, "RUGS_PSEUDONYM_KEY is set", cure, level="warn")
    if not file.exists():
        if not is_used:
            return Finding(name, "ok", f"{file} is made at first use")
        return Finding(
            name,
            "error",
            f"{file} is gone: a new one would give every player another pseudonym",
            f"put {file} back from a backup; without one, `make run` makes a new key and every date"
            " anew",
        )
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        why = "who has it can link pseudonyms to players"
        return Finding(
            name,
            "error",
            f"{file} is open to others (mode {mode:03o}): {why}",
            f"`chmod 600 {file}`",
        )
    if not file.read_text(encoding="ascii", errors="replace").strip():
        return Finding(name, "error", f"{file} is empty", f"put {file} back from a backup")
    return Finding(
        name, "ok", f"{file}, mode {mode:03o}; keep a backup of it, apart from the store"
    )


def now_utc() -> datetime:
    """What the clock of this machine shows."""
    return datetime.now(UTC)


def _existing(place: Path) -> Path:
    """The folder itself, or the nearest one above it that is there."""
    return next(folder for folder in (place, *place.parents) if folder.is_dir())


def _size(count: int) -> str:
    return f"{count / 2**30:,.1f} GiB"
