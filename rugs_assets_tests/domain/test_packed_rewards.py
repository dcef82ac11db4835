"""Packed rewards come back bit for bit."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from rugs_assets.domain.packed_rewards import PackedRewards

REWARDS = st.lists(st.one_of(st.just(0.0), st.floats(width=32)), max_size=40)


@given(REWARDS)
def test_rewards_come_back_bit_for_bit(values: list[float]) -> None:
    rewards = np.array(values, np.float32)
    assert PackedRewards.of(rewards).all().tobytes() == rewards.tobytes()


@pytest.mark.parametrize("held", [0, 1, 100, 300])
def test_little_is_kept_where_little_is_earned(held: int) -> None:
    rewards = np.zeros(300, np.float32)
    rewards[:held] = -0.0
    packed = PackedRewards.of(rewards)
    assert len(packed.at or b"") + len(packed.values) == min(8 * held, 4 * len(rewards))
    assert packed.all().tobytes() == rewards.tobytes()
