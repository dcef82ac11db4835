"""A store of simulated steps, as many as wanted: the shape of real ones without their history.

Made in seconds with numpy instead of through the pipeline, so that loaders can be compared on
millions of steps. Values move as in real rows: most features stand still for many steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from rugs_assets.domain.features import FEATURE_NAMES
from rugs_assets.domain.shards import split_of
from rugs_assets.lake.catalog import TRAINING_SHARDS
from rugs_assets.lake.release_basis import Basis, BasisTable
from rugs_assets.lake.releases import ReleaseRequest, Releases
from rugs_assets.lake.tables import Lake, Provenance

FIRST = date(2025, 1, 1)
RELEASE = "bench"
_CODE = "bench"
_STEPS_A_DAY = 350_000
_MOVING = ("tick", "price", "price_velocity", "price_acceleration", "unrealized_pnl")
"""Features that change with every step; the others change every few dozen."""


def make_store(folder: Path, steps: int, seed: int = 0) -> Lake:
    """Write at least `steps` steps and cut a release of them.

    Args:
        folder: where the store goes.
        steps: how many rows of `training_shards`.
        seed: same seed, same bytes.
    """
    lake = Lake(folder)
    days = -(-steps // _STEPS_A_DAY)
    rng = np.random.default_rng(seed)
    for number in range(days):
        day = FIRST + timedelta(days=number)
        rows = min(_STEPS_A_DAY, steps - number * _STEPS_A_DAY)
        provenance = Provenance(run_id="bench", code_version=_CODE, input_digest="")
        lake.replace(TRAINING_SHARDS, day, _games(rng, day, rows), provenance)
    basis = Basis((BasisTable(TRAINING_SHARDS, _CODE),), lambda _: "")
    request = ReleaseRequest(RELEASE, FIRST, FIRST + timedelta(days=days - 1))
    Releases(lake).create(request, basis, rules={})
    return lake


def _games(rng: np.random.Generator, day: date, steps: int) -> Iterator[pa.RecordBatch]:
    made = 0
    while made < steps:
        count = int(min(rng.geometric(1 / 300) + 60, steps - made))
        if steps - made - count < 2:
            count = steps - made
        made += count
        yield _game(rng, f"{day:%Y%m%d}-{rng.bytes(8).hex()}", count)


def _game(rng: np.random.Generator, episode_id: str, count: int) -> pa.RecordBatch:
    step = np.arange(count)
    decisions = step < count - 1
    player = bool(rng.random() < 0.5)
    columns: dict[str, Any] = {name: _feature(rng, name, count) for name in FEATURE_NAMES}
    columns |= {
        "episode_id": [episode_id] * count,
        "split": [split_of(episode_id)] * count,
        "step": step.astype(np.int32),
        "frame": step.astype(np.int32),
        "action": np.where(decisions, rng.integers(0, 4, count), 0).astype(np.int8),
        "adjust": np.zeros(count, np.int8),
        "order_amount": pa.array(np.zeros(count, np.float32), mask=rng.random(count) < 0.9),
        "sell_fraction": pa.nulls(count, pa.float32()),
        "reward": np.where(decisions, rng.normal(size=count), 0).astype(np.float32),
        "done": step == count - 2,
        "truncated": np.zeros(count, bool),
        "has_player": np.full(count, player),
        "tick_delta": decisions.astype(np.int32),
        "is_last": ~decisions,
        "observed": np.full(count, 2**36 - 1, np.int64),
    }
    schema = TRAINING_SHARDS.schema
    arrays = [pa.array(columns[field.name], field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _feature(
    rng: np.random.Generator, name: str, count: int
) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    if name in _MOVING:
        return np.cumsum(rng.normal(size=count)).astype(np.float32)
    changes = rng.normal(size=count) * (rng.random(count) < 1 / 50)
    return np.cumsum(changes).astype(np.float32)
