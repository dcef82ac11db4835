"""Summaries are those of numpy, and drift is told where it is and nowhere else."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rugs_assets.domain.drift import (
    ENOUGH_GAMES,
    FARTHEST,
    WANDERING,
    drift_between,
    violations_of_steadiness,
)
from rugs_assets.domain.feature_summary import FeatureSummary, summary_of
from rugs_assets.domain.features import FEATURE_NAMES

ALL_OBSERVED = 2 ** len(FEATURE_NAMES) - 1


def batch(
    values: NDArray[np.float32], games: list[str], observed: int = ALL_OBSERVED
) -> pa.RecordBatch:
    columns: dict[str, pa.Array[Any]] = {
        "episode_id": pa.array(games, pa.string()),
        "observed": pa.array([observed] * len(games), pa.int64()),
    }
    columns |= {name: pa.array(values[:, at]) for at, name in enumerate(FEATURE_NAMES)}
    return pa.RecordBatch.from_pydict(columns)


def summary(
    seed: int = 0, moved: Mapping[str, float] | None = None, *, games: int = ENOUGH_GAMES
) -> FeatureSummary:
    """20 rows a game of standard normal values, some features moved by so much."""
    values = np.random.default_rng(seed).normal(5, 1, (games * 20, len(FEATURE_NAMES)))
    for name, by in (moved or {}).items():
        values[:, FEATURE_NAMES.index(name)] += by
    names = [f"g{at // 20}" for at in range(len(values))]
    return summary_of([batch(values.astype(np.float32), names)])


@settings(deadline=None)
@given(rows=st.integers(0, 40), cuts=st.lists(st.integers(0, 40), max_size=4), seed=st.integers())
def test_a_summary_is_numpys_however_the_rows_are_cut(
    rows: int, cuts: list[int], seed: int
) -> None:
    generator = np.random.default_rng(abs(seed))
    values = generator.normal(0, 3, (rows, len(FEATURE_NAMES))).round().astype(np.float32)
    names = [f"g{at // 3}" for at in range(rows)]
    edges = sorted({0, rows, *(cut for cut in cuts if cut < rows)})
    parts = pairwise(edges)
    found = summary_of(batch(values[a:b], names[a:b], 0b101) for a, b in parts)
    assert (found.rows, found.games) == (rows, len(set(names)))
    if not rows:
        assert not found.mean.any()
        assert not found.greatest.any()
        return
    np.testing.assert_allclose(found.mean, values.mean(axis=0, dtype=np.float64), atol=1e-12)
    np.testing.assert_allclose(found.std, values.std(axis=0, dtype=np.float64), atol=1e-12)
    np.testing.assert_array_equal(found.least, values.min(axis=0))
    np.testing.assert_array_equal(found.greatest, values.max(axis=0))
    np.testing.assert_allclose(found.zeros, (values == 0).mean(axis=0))
    assert found.observed.tolist() == [1.0, 0.0, 1.0] + [0.0] * (len(FEATURE_NAMES) - 3)


def test_equal_dates_do_not_drift_and_a_draw_of_the_same_does_not_either() -> None:
    assert all(each.moved == 0 for each in drift_between(summary(), summary()))
    assert violations_of_steadiness(summary(1), summary(2), None).ok


def test_a_feature_that_moved_is_named_with_both_means() -> None:
    found = violations_of_steadiness(summary(1), summary(2, {"price": 3, "tick": -2}), None)
    assert [example["feature"] for example in found.examples] == ["price", "tick"]
    assert found.examples[0]["mean_before"] == pytest.approx(5, abs=0.2)
    assert found.examples[0]["mean_now"] == pytest.approx(8, abs=0.2)
    assert found.examples[0]["moved_by_std"] == pytest.approx(3, abs=0.3)
    assert found.cure


def test_what_wanders_from_game_to_game_is_judged_by_its_share_of_observed_rows() -> None:
    moved = dict.fromkeys(WANDERING, 50.0)
    assert violations_of_steadiness(summary(1), summary(2, moved), None).ok
    assert "price" not in WANDERING
    assert {"balance", "rugpool_ratio", "count_2x"} <= WANDERING


def test_an_event_that_is_no_longer_recorded_shows() -> None:
    values = np.full((400, len(FEATURE_NAMES)), 5, np.float32)
    names = [f"g{at // 20}" for at in range(400)]
    lost = FEATURE_NAMES.index("rugpool_amount")
    before = summary_of([batch(values, names)])
    now = summary_of([batch(values, names, ALL_OBSERVED & ~(1 << lost))])
    found = violations_of_steadiness(before, now, None)
    assert [example["feature"] for example in found.examples] == ["rugpool_amount"]


def test_a_constant_that_became_another_moved_farthest() -> None:
    names = [f"g{at // 20}" for at in range(400)]
    one = summary_of([batch(np.full((400, len(FEATURE_NAMES)), 1, np.float32), names)])
    two = summary_of([batch(np.full((400, len(FEATURE_NAMES)), 2, np.float32), names)])
    assert {each.moved for each in drift_between(one, two)} == {FARTHEST}
    assert {each.moved for each in drift_between(two, one)} == {-FARTHEST}


def test_nothing_is_said_of_few_games_or_without_a_date_before() -> None:
    few = summary(2, {"price": 100}, games=ENOUGH_GAMES - 1)
    assert violations_of_steadiness(summary(1), few, None).ok
    assert violations_of_steadiness(few, summary(1), None).ok
    assert violations_of_steadiness(None, summary(1), None).ok
