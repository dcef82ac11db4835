"""Kept states come back as they were left, whatever was walked in between."""

from __future__ import annotations

from array import array
from dataclasses import astuple, fields

import hypothesis.strategies as st
import numpy as np
from hypothesis import given

from rugs_assets.domain.game_grid import GAME_STATE, GameState
from rugs_assets.domain.kept_states import KeptStates, packed, unpacked

NUMBERS = st.floats(allow_nan=False)
CARRIED = st.lists(NUMBERS, min_size=len(GAME_STATE), max_size=len(GAME_STATE))
FLAGS = st.lists(st.booleans(), min_size=len(GAME_STATE), max_size=len(GAME_STATE))
NUMBER_FIELDS = ("greatest_tick", "active_tick", "tick", "price", "velocity", "entry_tick")
FLAG_FIELDS = ("is_over", "has_row", "has_price", "has_velocity", "in_position")
STATES = st.builds(
    GameState,
    values=CARRIED.map(lambda values: array("d", values)),
    has=FLAGS.map(bytearray),
    rows=st.integers(0, 2**40),
    **dict.fromkeys(NUMBER_FIELDS, NUMBERS),
    **dict.fromkeys(FLAG_FIELDS, st.booleans()),
)


@given(STATES)
def test_a_state_comes_back(state: GameState) -> None:
    assert unpacked(packed(state)) == state


def test_a_fresh_state_comes_back() -> None:
    found = astuple(unpacked(packed(GameState())))
    for field, is_there, fresh in zip(fields(GameState), found, astuple(GameState()), strict=True):
        np.testing.assert_equal(is_there, fresh, err_msg=field.name)  # one of them is NaN


def test_games_that_are_not_on_are_packed_and_found_again() -> None:
    states = KeptStates()
    first, other = states.of(["a", "b"])
    first.rows, other.rows = 7, 8
    (third,) = states.of(["c"])
    assert third.rows == 0
    again_b, again_a = states.of(["b", "a"])
    assert (again_a.rows, again_b.rows) == (7, 8)
    assert again_a is not first
    assert states.of(["a"])[0] is again_a
