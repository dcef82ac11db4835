"""Sequence numbers strictly ascend, whatever the recorder wrote; repeats are told from news."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from rugs_assets.domain.session_state import REPEATS_REMEMBERED, SessionState

Item = tuple[float | None, str]


def numbered(items: list[Item], state: SessionState | None = None) -> list[int | None]:
    """Numbers for items of (recorded number, what the record says); the stamp says it too."""
    state = state or SessionState()
    said = [text for _, text in items]
    raws = [f"{number} {text}".encode() for number, text in items]
    return state.number([n for n, _ in items], said, ["event"] * len(items), raws.__getitem__)


def test_ascending_numbers_are_taken_as_they_are() -> None:
    assert numbered([(1, "a"), (2, "b"), (7, "c")]) == [1, 2, 7]


def test_a_repeat_has_no_number() -> None:
    assert numbered([(1, "a"), (2, "b"), (2, "b"), (1, "a"), (3, "c")]) == [1, 2, None, None, 3]


def test_a_second_recording_in_the_same_file_is_numbered_on() -> None:
    assert numbered([(1, "a"), (2, "b"), (1, "c"), (2, "d"), (9, "e")]) == [1, 2, 3, 4, 9]


def test_records_without_a_number_repeat_only_where_all_their_bytes_do() -> None:
    assert numbered([(None, "a"), (None, "b"), (None, "a"), (None, "c")]) == [1, 2, None, 3]


@pytest.mark.parametrize("odd", [1.5, -4.0, 2.0**60, 1e300])
def test_a_number_that_is_none_is_given_one(odd: float) -> None:
    assert numbered([(5, "a"), (odd, "b"), (6.0, "c")]) == [5, 6, 7]


def test_what_was_read_quickly_is_remembered_too() -> None:
    state = SessionState()
    assert numbered([(1, "a"), (2, "b")], state) == [1, 2]
    assert numbered([(3, "c"), (4, "d")], state) == [3, 4]
    assert numbered([(2, "b"), (3, "x"), (4, "d")], state) == [None, 5, None]


def test_a_repeat_from_long_ago_counts_as_new() -> None:
    state = SessionState()
    many: list[Item] = [(n, str(n)) for n in range(1, 2 * REPEATS_REMEMBERED)]
    numbered(many, state)
    last = many[-1][0]
    assert numbered([(1, "1"), many[-5]], state) == [(last or 0) + 1, None]


items = st.tuples(
    st.one_of(st.none(), st.integers(-2, 8).map(float), st.sampled_from([0.5, 1e300])),
    st.sampled_from("ab"),
)


@given(st.lists(items, max_size=12), st.integers(0, 12))
def test_numbers_ascend_and_do_not_depend_on_the_chunks(found: list[Item], cut: int) -> None:
    whole = numbered(found)
    given_numbers = [number for number in whole if number is not None]
    assert given_numbers == sorted(set(given_numbers))
    state = SessionState()
    assert numbered(found[:cut], state) + numbered(found[cut:], state) == whole


def test_the_last_id_that_names_the_own_player_comes_last() -> None:
    state = SessionState()
    for player_id in ("me", "other", "me", None, ""):
        state.name_own(player_id, lambda name: f"p-{name}")
    assert state.own == ["p-other", "p-me"]
    assert state.own_ids == {"p-me": b"me", "p-other": b"other"}
