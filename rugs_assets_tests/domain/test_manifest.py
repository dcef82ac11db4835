"""What a manifest says of a date's shards is exact, whatever the order and the batches."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings

from rugs_assets.domain.features import FEATURE_NAMES, features_digest
from rugs_assets.domain.manifest import manifest_digest, manifest_of
from rugs_assets.domain.moments import Moments
from rugs_assets.domain.shards import TRAINING_SHARDS, split_of
from rugs_assets_tests.domain.builders import active, in_session, player, presale, press, rug
from rugs_assets_tests.domain.sample_builders import Made

TRAIN, VAL = (
    next(g for g in (f"20251215-{n:016x}" for n in range(99)) if split_of(g) == split)
    for split in ("train", "val")
)


def shards(*games: str) -> list[pa.RecordBatch]:
    """Two presale and two active rows and the rug of each game, one BUY in each."""
    rows = [player(1.0, 0.0)]
    for number, game in enumerate(games):
        rows += [presale(game), presale(game, 9_900), active(game, 0, 1.0 + number)]
        rows += [press(game, "BUY", 0, bet_amount=0.1), active(game, 1, 1.5), rug(game, 2, 0.02)]
    return Made([in_session(rows)]).shards


def test_what_a_manifest_says() -> None:
    found = manifest_of(shards(TRAIN, VAL))
    assert (found["rows"], found["features"]) == (10, list(FEATURE_NAMES))
    assert found["features_digest"] == features_digest()
    assert found["splits"]["train"] == {
        "games": 1,
        "steps": 5,
        "decisions": 4,
        "actions": {"WAIT": 3, "BUY": 1, "SELL": 0, "SIDEBET": 0},
    }
    assert found["splits"]["val"]["games"] == 1
    assert found["splits"]["test"]["games"] == 0
    prices = np.array([1, 1, 1, 1.5])  # the row behind the last decision is none
    assert found["normalisation"]["rows"] == 4
    assert found["normalisation"]["features"]["price"] == {
        "mean": pytest.approx(prices.mean(), rel=1e-15),
        "std": pytest.approx(prices.std(), rel=1e-15),
        "min": 1.0,
        "max": 1.5,
    }
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_what_is_evaluated_on_does_not_leak_into_the_statistics() -> None:
    alone, both = manifest_of(shards(TRAIN)), manifest_of(shards(TRAIN, VAL))
    assert alone["normalisation"] == both["normalisation"]


def test_a_date_without_steps_has_a_manifest_too() -> None:
    found = manifest_of([])
    assert found["rows"] == found["normalisation"]["rows"] == 0
    assert found["normalisation"]["features"]["price"]["std"] == 0.0
    assert manifest_digest(found) == manifest_digest(manifest_of(iter([])))


@pytest.mark.parametrize("size", [1, 3, 100])
def test_how_rows_were_cut_into_batches_changes_nothing(size: int) -> None:
    table = pa.Table.from_batches(shards(TRAIN, VAL)).combine_chunks()
    assert manifest_of(table.to_batches(size)) == manifest_of(shards(TRAIN, VAL))


def test_the_order_of_games_changes_the_checksum_and_no_statistic() -> None:
    first, second = (f"20251215-{n:016x}" for n in (0, 1))
    assert split_of(first) == split_of(second) == "train"
    batches = shards(first, second)
    there, back = manifest_of(batches), manifest_of(batches[::-1])
    assert there.pop("checksum") != back.pop("checksum")
    assert there == back


@pytest.mark.parametrize(
    ("column", "value"),
    [("price", 1.0000001), ("order_amount", 0.0), ("observed", 1), ("split", "val"), ("reward", 1)],
)
def test_the_checksum_covers_every_column(column: str, value: Any) -> None:
    rows = pa.Table.from_batches(shards(TRAIN)).to_pylist()
    before = manifest_of([pa.RecordBatch.from_pylist(rows, TRAINING_SHARDS)])
    rows[0][column] = value
    after = manifest_of([pa.RecordBatch.from_pylist(rows, TRAINING_SHARDS)])
    assert before["checksum"] != after["checksum"]
    assert manifest_digest(before) != manifest_digest(after)


def test_the_digest_of_a_manifest_does_not_depend_on_the_order_of_its_keys() -> None:
    found = manifest_of(shards(TRAIN))
    assert manifest_digest(dict(reversed(found.items()))) == manifest_digest(found)


floats = st.floats(allow_nan=False, allow_infinity=False, width=32)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(floats, floats), min_size=1, max_size=30), st.randoms())
def test_moments_are_those_of_exact_arithmetic(
    rows: list[tuple[float, float]], shuffle: random.Random
) -> None:
    values = np.array(rows, np.float32)
    whole = Moments(2)
    whole.add(values)
    for column, found in enumerate(whole.statistics()):
        exact = values[:, column].astype(np.float64).tolist()
        assert found.mean == pytest.approx(math.fsum(exact) / len(exact), rel=1e-15)
        assert (found.min, found.max) == (min(exact), max(exact))
    shuffled = list(rows)
    shuffle.shuffle(shuffled)
    cut = shuffle.randrange(len(rows) + 1)
    parts = Moments(2)
    for some in (shuffled[:cut], shuffled[cut:]):
        parts.add(np.array(some, np.float32).reshape(-1, 2))
    assert parts.statistics() == whole.statistics()
    assert parts.rows == len(rows)


def test_many_rows_are_all_counted_wherever_they_are_cut() -> None:
    values = np.random.default_rng(1).normal(3, 2, (9_001, 2)).astype(np.float32)
    whole, parts = Moments(2), Moments(2)
    whole.add(values)
    for part in np.array_split(values, 7):
        parts.add(part)
    assert whole.statistics() == parts.statistics()
    for column, found in enumerate(whole.statistics()):
        exact = values[:, column].astype(np.float64)
        assert found.mean == pytest.approx(exact.mean(), rel=1e-13)
        assert found.std == pytest.approx(exact.std(), rel=1e-13)
        assert (found.min, found.max) == (exact.min(), exact.max())
    assert whole.rows == 9_001


def test_the_deviation_survives_cancellation() -> None:
    """1e8 + {0, 8}: the squares of a naive sum in float64 lose it."""
    moments = Moments(1)
    moments.add(np.array([[1e8], [1e8 + 8]], np.float32))
    assert moments.statistics()[0].std == 4.0


def test_extremes_of_float32_are_exact() -> None:
    tiny, huge = float(np.float32(1e-45)), float(np.finfo(np.float32).max)
    moments = Moments(3)
    moments.add(np.array([[tiny, huge, -huge], [tiny, huge, huge]], np.float32))
    assert [found.mean for found in moments.statistics()] == [tiny, huge, 0.0]
    assert [found.std for found in moments.statistics()] == [0.0, 0.0, huge]
