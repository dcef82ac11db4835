"""Packed ticks: what is kept of a game's frames until the end of its date."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rugs_assets.domain.game_views import packed_ticks, unpacked_ticks


@given(st.lists(st.integers(0, 2**31 - 1)))
def test_any_ticks_come_back_as_they_were(ticks: list[int]) -> None:
    """Whatever their order, gaps and repeats; the greatest ones and none at all among them."""
    back = unpacked_ticks(packed_ticks(np.array(ticks, np.int64)))
    assert back.dtype == np.int32
    assert back.tolist() == ticks


def test_ticks_that_follow_each_other_take_8_bytes() -> None:
    """A game with a gap takes two runs, however long it is."""
    ticks = np.array([*range(5, 900), *range(905, 2000)])
    assert len(packed_ticks(ticks)) == 2 * 8
