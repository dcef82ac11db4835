"""Zones that a person gives: which session's clock they decide, and what is none."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from rugs_assets.domain.clock import ASSUMED, Clock, ClockEvidence, find_clock
from rugs_assets.domain.zones import NO_ZONES, Zones, read_zones, to_utc_us

HOUR_US = 3_600_000_000


@pytest.mark.parametrize(
    ("zone", "hours"), [("-05:00", 5), ("+00:00", 0), ("+05:45", -5.75), ("-14:00", 14)]
)
def test_a_zone_says_what_makes_its_stamps_utc(zone: str, hours: float) -> None:
    assert to_utc_us(zone) == hours * HOUR_US


@pytest.mark.parametrize(
    "zone",
    ["", "5", "-5:00", "05:00", "EST", "+01:07", "+14:15", "+01:60", "+01:00 ", "+\u0660\u0661:00"],
)
def test_what_is_no_zone_is_refused_with_what_one_looks_like(zone: str) -> None:
    with pytest.raises(ValueError, match=r"is no zone; write hours .* such as \+01:00"):
        Zones(given={"*": zone})


def test_the_longest_pattern_that_fits_counts_in_whatever_order_they_are_given() -> None:
    pieces = ["*=+01:00", "upstairs/*=-05:00", "upstairs/new=+02:00"]
    for text in (", ".join(pieces), ",".join(reversed(pieces)) + ","):
        zones = Zones(given=read_zones(text))
        assert [zones.of(s) for s in ("down", "upstairs/a", "upstairs/new")] == [
            -HOUR_US,
            5 * HOUR_US,
            -2 * HOUR_US,
        ]
        assert zones.unused({"upstairs/a": 0, "upstairs/new": 0}) == ["*"]
        assert str(zones) == ", ".join(pieces)
    assert (NO_ZONES.of("any"), str(NO_ZONES)) == (None, "")


@pytest.mark.parametrize("text", ["-05:00", "=-05:00", "a=+01:00,a=+02:00", "a=b=c"])
def test_pieces_that_name_no_session_or_no_zone_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"write session=zone|is no zone"):
        read_zones(text)


def test_the_default_is_assumed_only_where_nothing_speaks_against_it() -> None:
    late = int(datetime(2025, 12, 15, 23, 30, tzinfo=UTC).timestamp() * 1e6)
    assumed = 5 * HOUR_US
    assert find_clock([], assumed_us=assumed) == Clock(assumed, ASSUMED)
    next_day = ClockEvidence(late, game_date=date(2025, 12, 16))
    assert find_clock([next_day], assumed_us=assumed) == Clock(assumed, ASSUMED)
    same_day = ClockEvidence(late - 12 * HOUR_US, game_date=date(2025, 12, 15))
    served = ClockEvidence(late, server_us=late + 2 * HOUR_US)
    assert find_clock([served], assumed_us=assumed) == Clock(2 * HOUR_US, "server time")
    assert find_clock([same_day], assumed_us=14 * HOUR_US) == Clock(0, "assumed UTC")
