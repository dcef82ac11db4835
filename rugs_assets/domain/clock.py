"""Clocks: what a capture's time stamps say, and how far its clock stands from UTC.

In: the stamps as recorded (text or epoch number), and the server's own times. Out: microseconds,
and per session an offset with the evidence it rests on. Invariants: a stamp with a zone is UTC by
its own word and is never moved; the offset of a naive clock is a whole quarter of an hour, as
zones are (protocol.md 6, design.md 3). Nothing here reads a clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Stamp = str | float | None

QUARTER_HOUR_US = 15 * 60 * 1_000_000
DAY_US = 24 * 3600 * 1_000_000
ZONED = "zones in the stamps"
"""The basis of a clock that needs no offset: every stamp said its zone."""
GIVEN, ASSUMED = "zone given", "assumed the default zone"
"""The bases of a clock that a person's settings decided (``zones``)."""

_EARLIEST_US, _LATEST_US = -DAY_US, 230 * 366 * DAY_US
"""What a stamp can be: from 1970 (a clock that was never set) to about 2200."""

_LONGEST_GAME_US = (5000 * 250 + 15_000 + 60_000) * 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Stamps:
    """Parsed stamps.

    Attributes:
        us: int64, shape (n,), microseconds since the epoch, in the clock of the stamp.
        has_zone: bool, shape (n,), whether the stamp itself said its zone (then ``us`` is UTC).
        valid: bool, shape (n,), whether there was a stamp that could be read.
    """

    us: NDArray[np.int64]
    has_zone: NDArray[np.bool_]
    valid: NDArray[np.bool_]


def parse_stamps(stamps: Sequence[Stamp]) -> Stamps:
    """Parse time stamps: ISO 8601 with or without a zone, or an epoch in s, ms or us."""
    count = len(stamps)
    # A cast that fails costs more than many that do not: what the first stamp says is tried first.
    ways: tuple[tuple[str | None, bool], ...] = ((None, False), ("UTC", True))
    for zone, has_zone in reversed(ways) if _says_zone(stamps) else ways:
        try:
            parsed = pa.array(stamps, pa.string()).cast(pa.timestamp("us", zone))
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            continue
        if parsed.null_count == 0:
            # Their bytes as they are: a cast costs as much as parsing a hundred of them.
            us = np.frombuffer(memoryview(parsed.buffers()[1] or b""), np.int64)[:count]
            return Stamps(us, np.full(count, has_zone), (us >= _EARLIEST_US) & (us < _LATEST_US))
    each = [_parse_stamp(stamp) for stamp in stamps]
    return Stamps(
        np.array([us for us, _, _ in each], np.int64),
        np.array([has_zone for _, has_zone, _ in each], bool),
        np.array([valid for _, _, valid in each], bool),
    )


def _says_zone(stamps: Sequence[Stamp]) -> bool:
    """Whether the first stamp is a text that ends as one with a zone does."""
    first = stamps[0] if stamps else None
    return isinstance(first, str) and (first.endswith("Z") or first[-6:-5] in ("+", "-"))


def epoch_ms(stamp: Stamp) -> float | None:
    """A stamp as epoch milliseconds; a naive text is taken as UTC. None where it can't be read."""
    us, _, valid = _parse_stamp(stamp)
    return us / 1000 if valid else None


def _parse_stamp(stamp: Stamp) -> tuple[int, bool, bool]:
    if isinstance(stamp, float | int):
        for limit, factor in ((1e10, 1e6), (1e13, 1e3), (1e16, 1.0)):
            if 0 <= stamp < limit:
                us = round(stamp * factor)
                return us, True, us < _LATEST_US
        return 0, False, False
    try:
        moment = datetime.fromisoformat(stamp or "")
    except ValueError:
        return 0, False, False
    has_zone = moment.tzinfo is not None
    since = moment.replace(tzinfo=moment.tzinfo or UTC) - _EPOCH
    us = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    return us, has_zone, _EARLIEST_US <= us < _LATEST_US


@dataclass(frozen=True, slots=True)
class ClockEvidence:
    """What one frame of a naive session says about its clock.

    Attributes:
        stamped_us: when the frame was received, by the session's clock.
        server_us: when the server can have sent it at the earliest (the newest finished game's rug
            time plus what the frame says has passed since; the server may have paused in between),
            None where the frame shows no finished game.
        game_date: the UTC date in the frame's gameId, None where it has none.
    """

    stamped_us: int
    server_us: int | None = None
    game_date: date | None = None


@dataclass(frozen=True, slots=True)
class Clock:
    """The offset of a session's naive stamps.

    Attributes:
        offset_us: what is added to a naive stamp to make it UTC.
        basis: "server time", "gameId date", "assumed UTC" or `ASSUMED` (nothing spoke against it),
            `GIVEN`, or `ZONED`.
    """

    offset_us: int = 0
    basis: str = "assumed UTC"


def find_clock(evidence: Iterable[ClockEvidence], *, assumed_us: int = 0) -> Clock:
    """The offset of a naive clock.

    The gameId dates bound it: a game is received on the date of its id, or on the next one for as
    long as the longest game lasts. A server time says it to seconds where the game followed upon
    the last one, and says too little where it did not: of those within the bounds the greatest
    counts. Without one the smallest offset within the bounds is taken, the assumed one and UTC
    first.

    Args:
        evidence: in order of arrival.
        assumed_us: the offset to take where nothing speaks against it.
    """
    pieces = list(evidence)
    low, high, is_dated = _bounds(pieces)
    slack = QUARTER_HOUR_US // 2
    shifts = [piece.server_us - piece.stamped_us for piece in pieces if piece.server_us is not None]
    served = [shift for shift in shifts if low - slack <= shift <= high + slack]
    if served:
        return Clock(round(max(served) / QUARTER_HOUR_US) * QUARTER_HOUR_US, "server time")
    if assumed_us and low <= assumed_us <= high:
        return Clock(assumed_us, ASSUMED)
    if low <= 0 <= high:
        return Clock()
    return Clock(_smallest(low, high), "gameId date" if is_dated else "assumed UTC")


def _smallest(low: int, high: int) -> int:
    """The smallest offset within bounds that leave UTC out: in whole hours, as most zones are."""
    for step in (4 * QUARTER_HOUR_US, QUARTER_HOUR_US):
        offset = -(-low // step) * step if low > 0 else high // step * step
        if low <= offset <= high:
            return offset
    return offset


def _bounds(evidence: Iterable[ClockEvidence]) -> tuple[int, int, bool]:
    """The least and the greatest offset that the gameId dates allow, and whether there were any."""
    low, high, is_dated = -DAY_US, DAY_US, False
    for piece in evidence:
        if piece.game_date is None:
            continue
        start = (piece.game_date - date(1970, 1, 1)).days * DAY_US - piece.stamped_us
        narrowed = max(low, start), min(high, start + DAY_US + _LONGEST_GAME_US)
        if narrowed[0] <= narrowed[1]:
            (low, high), is_dated = narrowed, True
    return low, high, is_dated
