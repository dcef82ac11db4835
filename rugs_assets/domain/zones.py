"""Zones of recorders, as a person knows them: what a clock without a zone in its stamps shows.

In: zones as ISO 8601 writes them, and names of sessions. Out: the offset of a session's clock where
a person has given it, and the one to assume where nothing in a session tells. Invariant: what is
not given changes nothing. How an offset is found in the captures stands in ``clock``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from rugs_assets.domain.clock import QUARTER_HOUR_US

UTC_ZONE = "+00:00"
_ZONE = re.compile(r"([+-])(\d\d):(\d\d)", re.ASCII)
_FURTHEST_US = 4 * 14 * QUARTER_HOUR_US


@dataclass(frozen=True, slots=True)
class Zones:
    """What was given of the recorders' clocks; only stamps without a zone of their own mind it.

    Attributes:
        default: the zone that is assumed where nothing in a session tells its clock.
        given: pattern of session names (``*`` and ``?``) -> the zone of their clocks, whatever
            their content says; of several that fit, the longest counts.

    Raises:
        ValueError: a zone is none; the message says what one looks like.
    """

    default: str = UTC_ZONE
    given: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for zone in (self.default, *self.given.values()):
            to_utc_us(zone)

    @property
    def assumed_us(self) -> int:
        """What is added to a stamp to make it UTC, where nothing else is known."""
        return to_utc_us(self.default)

    def of(self, session_id: str) -> int | None:
        """What is added to a session's stamps to make them UTC; None where nobody said."""
        pattern = self._pattern(session_id)
        return None if pattern is None else to_utc_us(self.given[pattern])

    def unused(self, sessions: Mapping[str, object]) -> list[str]:
        """The patterns that fit no session, sorted: misspelt, or of captures that are gone."""
        return sorted(set(self.given) - {self._pattern(name) for name in sessions})

    def _pattern(self, session_id: str) -> str | None:
        fitting = (pattern for pattern in self.given if fnmatchcase(session_id, pattern))
        return max(fitting, key=lambda pattern: (len(pattern), pattern), default=None)

    def __str__(self) -> str:
        """The same text for the same zones; "" where nothing is given."""
        default = [] if self.assumed_us == 0 else [self.default]
        return ", ".join([*default, *(f"{p}={z}" for p, z in sorted(self.given.items()))])


def to_utc_us(zone: str) -> int:
    """What is added to a stamp of this zone to make it UTC [us]: -05:00 gives five hours.

    Raises:
        ValueError: it is no zone.
    """
    found = _ZONE.fullmatch(zone)
    if found is not None:
        sign, hours, minutes = found.groups()
        ahead_us = (int(hours) * 60 + int(minutes)) * 60_000_000
        if int(minutes) < 60 and ahead_us <= _FURTHEST_US and ahead_us % QUARTER_HOUR_US == 0:
            return ahead_us if sign == "-" else -ahead_us
    raise ValueError(
        f"{zone!r} is no zone; write hours and minutes ahead of UTC (quarters, at most 14:00),"
        " such as +01:00, or -05:00 for five hours behind it"
    )


def read_zones(text: str) -> dict[str, str]:
    """Zones out of ``pattern=zone`` pieces with commas in between.

    Raises:
        ValueError: a piece is none, or a pattern comes twice.
    """
    given: dict[str, str] = {}
    for piece in filter(None, map(str.strip, text.split(","))):
        pattern, _, zone = (part.strip() for part in piece.rpartition("="))
        if not pattern or pattern in given:
            told = "comes twice" if pattern else "names no session"
            raise ValueError(f"{piece!r} {told}; write session=zone, such as upstairs/*=-05:00")
        to_utc_us(zone)
        given[pattern] = zone
    return given


NO_ZONES = Zones()
"""Nothing is given: clocks are found in the captures."""
