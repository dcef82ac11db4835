"""Permutations that are evaluated, not stored: each item once, and no pattern left."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rugs_assets.lake.shuffling import Permutation, shard_of

CITED_FEW = [9, 8, 1, 5, 7, 4, 2, 0, 3, 6]
CITED_MANY = [195548, 102038, 802043, 310850, 718168, 802212]


@given(count=st.integers(1, 30_000), key=st.text(max_size=5), cut=st.integers(0, 30_000))
def test_every_item_comes_once_wherever_it_is_asked_for(count: int, key: str, cut: int) -> None:
    order = Permutation(count, key)
    whole = order(np.arange(count))
    assert (np.sort(whole) == np.arange(count)).all()
    assert (order(np.arange(min(cut, count), count)) == whole[cut:]).all()


@given(count=st.integers(1, 10**6), shards=st.integers(1, 40))
def test_shards_cover_everything_once_and_differ_by_one_at_most(count: int, shards: int) -> None:
    parts = [shard_of(count, shard, shards) for shard in range(shards)]
    assert parts[0][0] == 0
    assert parts[-1][1] == count
    assert all(before[1] == after[0] for before, after in pairwise(parts))
    sizes = {end - first for first, end in parts}
    assert max(sizes) - min(sizes) <= 1


def test_the_order_is_the_one_that_was_cited() -> None:
    # A change here breaks every run that names a seed: it must be a new version of the order.
    assert Permutation(10, "1/0")(np.arange(10)).tolist() == CITED_FEW
    assert Permutation(10**6, "1/0")(np.arange(6)).tolist() == CITED_MANY


def test_the_order_is_the_same_in_either_width(monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = Permutation(100_003, "key")(np.arange(100_003))
    monkeypatch.setattr("rugs_assets.lake.shuffling._NARROW", 0)
    assert (Permutation(100_003, "key")(np.arange(100_003)) == narrow).all()


@pytest.mark.parametrize("count", [2**31 - 1, 2**31, 2**40])
def test_more_items_than_32_bits_hold_are_ordered_too(count: int) -> None:
    at = np.concatenate((np.arange(1_000), np.arange(count - 1_000, count)))
    items = Permutation(count, "key")(at)
    assert len({*items.tolist()}) == len(at)
    assert items.min() >= 0
    assert items.max() < count
    assert items.std() > count / 5


def test_few_items_reach_every_order_equally_often() -> None:
    orders = list(permutations(range(4)))
    found = [tuple(Permutation(4, str(key))(np.arange(4)).tolist()) for key in range(4_800)]
    counts = np.array([found.count(order) for order in orders])
    chi_square = ((counts - 200) ** 2 / 200).sum()
    assert chi_square < 49.7  # one in a thousand of fair shuffles, at 23 degrees of freedom


@pytest.mark.parametrize("count", [5_000, 100_003, 2_000_000])
def test_a_batch_is_a_fair_draw_of_the_whole(count: int) -> None:
    # The share of the lower half in a batch of 256 varies as in drawing without replacement.
    order = Permutation(count, "key")
    items = order(np.arange(count // 256 * 256)).reshape(-1, 256)[:2_000]
    lower = (items < count // 2).sum(axis=1)
    expected = 256 * 0.25 * (count - 256) / (count - 1)
    spread = 5 * np.sqrt(2 / len(lower))
    assert lower.mean() == pytest.approx(128, abs=5 * np.sqrt(expected / len(lower)))
    assert lower.var() / expected == pytest.approx(1, abs=max(spread, 0.05))


def test_neighbours_do_not_stay_neighbours() -> None:
    count = 100_003
    items = Permutation(count, "key")(np.arange(count)).astype(np.float64)
    assert abs(np.corrcoef(items[:-1], items[1:])[0, 1]) < 5 / np.sqrt(count)
    steps = np.abs(np.diff(items))
    assert (steps == 1).sum() < 20  # 2 are expected


def test_no_item_is_no_permutation() -> None:
    with pytest.raises(ValueError, match="0 items"):
        Permutation(0, "key")
