"""Stamps of any kind, and the offset of clocks that do not say their zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import given

from rugs_assets.domain.clock import (
    QUARTER_HOUR_US,
    Clock,
    ClockEvidence,
    Stamp,
    epoch_ms,
    find_clock,
    parse_stamps,
)

HOUR_US = 3_600_000_000
NOON_US = 1_765_800_000_000_000  # 2025-12-15T12:00:00Z


@pytest.mark.parametrize(
    ("stamp", "us", "has_zone"),
    [
        ("2025-12-15T12:00:00", NOON_US, False),
        ("2025-12-15 12:00:00.000001", NOON_US + 1, False),
        ("2025-12-15T12:00:00Z", NOON_US, True),
        ("2025-12-15T12:00:00+00:00", NOON_US, True),
        ("2025-12-15T07:00:00.5-05:00", NOON_US + 500_000, True),
        (NOON_US / 1e6, NOON_US, True),
        (NOON_US / 1e3, NOON_US, True),
        (float(NOON_US), NOON_US, True),
    ],
)
def test_stamps_that_can_be_read(stamp: Stamp, us: int, *, has_zone: bool) -> None:
    found = parse_stamps([stamp])
    assert (found.us.tolist(), found.has_zone.tolist()) == ([us], [has_zone])
    assert found.valid.all()


@pytest.mark.parametrize(
    "stamp",
    [
        None,
        "",
        "when?",
        "25:00",
        "1900-01-01T00:00:00",
        "9999-12-31T23:59:59",
        "0001-01-01T00:00:00Z",
        -1.0,
        1e300,
        float("inf"),
        8e15,
    ],
)
def test_stamps_that_are_none(stamp: Stamp) -> None:
    assert not parse_stamps([stamp]).valid.any()
    assert epoch_ms(stamp) is None


def test_one_bad_stamp_spoils_no_other() -> None:
    found = parse_stamps(["2025-12-15T12:00:00", None, "2025-12-15T12:00:00Z", 1e300, "x"])
    assert found.valid.tolist() == [True, False, True, False, False]
    assert found.has_zone.tolist()[:3] == [False, False, True]


moments = st.datetimes(datetime(1970, 1, 2), datetime(2190, 1, 1))  # noqa: DTZ001 # zones follow
stamps = st.builds(
    lambda moment, sep, zone, end: moment.isoformat(sep, timespec=end) + zone,
    moments,
    st.sampled_from("T "),
    st.sampled_from(["", "Z", "+00:00", "-05:00", "+05:30"]),
    st.sampled_from(["auto", "seconds", "milliseconds", "microseconds", "minutes"]),
)


@given(st.lists(stamps, min_size=1, max_size=4))
def test_the_company_of_a_stamp_changes_nothing(texts: list[str]) -> None:
    together = parse_stamps(texts)
    alone = [parse_stamps([text, None, 1.0]) for text in texts]
    assert together.us.tolist() == [int(one.us[0]) for one in alone]
    assert together.has_zone.tolist() == [bool(one.has_zone[0]) for one in alone]
    assert together.valid.all()


def served(stamped_us: int, server_us: int) -> ClockEvidence:
    return ClockEvidence(stamped_us, server_us=server_us)


def dated(moment: datetime, day: date) -> ClockEvidence:
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return ClockEvidence(since // timedelta(microseconds=1), game_date=day)


@pytest.mark.parametrize("hours", [-11, -5, -3.5, 0, 1, 5.75, 13])
def test_a_server_time_gives_the_offset_to_a_quarter_of_an_hour(hours: float) -> None:
    late_us = 17 * 1_000_000
    evidence = served(NOON_US + round(hours * HOUR_US) + late_us, NOON_US)
    assert find_clock([evidence]) == Clock(-round(hours * HOUR_US), "server time")


def test_a_stalled_server_says_too_little_and_the_greatest_time_counts() -> None:
    stalled = served(NOON_US, NOON_US - 2 * HOUR_US)
    assert find_clock([stalled, served(NOON_US, NOON_US)]).offset_us == 0
    assert find_clock([served(NOON_US, NOON_US), stalled]).offset_us == 0


@pytest.mark.parametrize("days", [-3, 3, 40, 10_000])
def test_a_server_time_that_no_zone_explains_is_no_evidence(days: int) -> None:
    assert find_clock([served(NOON_US, NOON_US + days * 24 * HOUR_US)]) == Clock()


def test_game_dates_bound_the_offset_and_the_smallest_whole_hour_is_taken() -> None:
    evening = datetime(2025, 12, 14, 20, 17, 10, tzinfo=UTC)
    found = find_clock([dated(evening, date(2025, 12, 15))])
    assert found == Clock(4 * HOUR_US, "gameId date")
    later = dated(evening + timedelta(hours=1), date(2025, 12, 15))
    assert find_clock([dated(evening, date(2025, 12, 15)), later]) == found


def test_where_no_whole_hour_lies_within_the_bounds_a_quarter_is_taken() -> None:
    first = dated(datetime(2025, 12, 14, 20, 17, tzinfo=UTC), date(2025, 12, 15))
    # The next midnight came before 20:29 by the same clock, the longest game later.
    last = dated(datetime(2025, 12, 15, 20, 29, tzinfo=UTC), date(2025, 12, 15))
    assert find_clock([first, last]) == Clock(15 * QUARTER_HOUR_US, "gameId date")


def test_a_clock_ahead_of_utc_goes_back() -> None:
    morning = datetime(2025, 12, 16, 5, 10, tzinfo=UTC)
    found = find_clock([dated(morning, date(2025, 12, 15))])
    assert (found.offset_us, found.basis) == (-20 * QUARTER_HOUR_US, "gameId date")


def test_a_game_that_runs_past_midnight_moves_no_clock() -> None:
    past = datetime(2025, 12, 16, 0, 20, tzinfo=UTC)
    assert find_clock([dated(past, date(2025, 12, 15))]) == Clock(0, "assumed UTC")


def test_without_evidence_utc_is_assumed() -> None:
    assert find_clock([]) == Clock(0, "assumed UTC")
