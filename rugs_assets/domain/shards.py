"""Samples to shards: each step once, split by game, in order of play.

In: `observations`, `aligned_samples` and `episodes` of one date. Out: `training_shards`, one row a
step: the 36 features, the labels, and behind a game's last decision the row it led to
(``is_last``), so that next_observation is always the next row.
Grain: one step. Invariants: each step once; the steps of a game stand together and count from 0;
a game lies in one split for ever, by the hash of its id; every shard row's episode exists.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any

import numpy as np
import pyarrow as pa

from rugs_assets.domain.columns import optional, required
from rugs_assets.domain.features import FEATURE_NAMES
from rugs_assets.domain.games import Game, games_in
from rugs_assets.domain.violations import Violations, violations

TRAINING_SHARDS = pa.schema(
    [
        required("episode_id", pa.string()),
        required("step", pa.int32()),
        required("frame", pa.int32()),
        *(required(name, pa.float32()) for name in FEATURE_NAMES),
        required("action", pa.int8()),
        required("adjust", pa.int8()),
        optional("order_amount", pa.float32()),
        optional("sell_fraction", pa.float32()),
        required("reward", pa.float32()),
        required("done", pa.bool_()),
        required("truncated", pa.bool_()),
        required("has_player", pa.bool_()),
        required("tick_delta", pa.int32()),
        required("is_last", pa.bool_()),
        required("observed", pa.int64()),
        required("split", pa.string()),
    ]
)
"""The schema of `training_shards`: one row a step; the next row of the episode follows it."""

SPLITS: tuple[tuple[str, int], ...] = (("train", 80), ("val", 90), ("test", 100))
"""Name of each split and the percentile below which an episode's hash falls into it."""

_LABELS = (
    "action",
    "adjust",
    "order_amount",
    "sell_fraction",
    "reward",
    "done",
    "truncated",
    "has_player",
    "tick_delta",
)
_OBSERVED = ("episode_id", "frame", "observed", *FEATURE_NAMES)


def split_of(episode_id: str) -> str:
    """The split of a game: 80 / 10 / 10 by hash of its id, the same for ever."""
    head = hashlib.sha256(f"split:{episode_id}".encode()).digest()[:8]
    percentile = int.from_bytes(head, "big") % 100
    return next(name for name, below in SPLITS if percentile < below)


def shards_of(
    observations: Iterable[pa.RecordBatch],
    samples: Iterable[pa.RecordBatch],
    episodes: pa.Table,
) -> Iterator[pa.RecordBatch]:
    """The steps of one date.

    Args:
        observations: rows of `observations`, the rows of a game together.
        samples: rows of `aligned_samples`, games in the same order.
        episodes: the date's `episodes`.

    Yields:
        One batch a game, in the schema `TRAINING_SHARDS`.

    Raises:
        ValueError: a sample has no row or no successor, samples do not follow each other, or their
            game does not exist: the inputs do not belong together.
    """
    known = set(episodes["episode_id"].to_pylist())
    rows = games_in(observations, _OBSERVED)
    for game in games_in(samples):
        if game.episode_id not in known:
            raise ValueError(f"samples of game {game.episode_id}, which `episodes` does not have")
        observed = next((found for found in rows if found.episode_id == game.episode_id), None)
        if observed is None:
            raise ValueError(
                f"samples of game {game.episode_id}, of which `observations` has no rows (in the "
                "order of the samples): materialize aligned_samples of this date again"
            )
        yield _steps(observed, game)


def _steps(observed: Game, samples: Game) -> pa.RecordBatch:
    frames, frame = observed.column("frame"), samples.column("frame")
    steps = len(frame) + 1
    first = int(np.searchsorted(frames, frame[0]))
    wanted = np.arange(frame[0], frame[0] + steps)
    if not (np.array_equal(frames[first : first + steps], wanted) and (frame == wanted[:-1]).all()):
        raise ValueError(
            f"game {samples.episode_id}: its samples (frames {frame[0]} to {frame[-1]}) and the "
            "row behind them are not consecutive rows of `observations`: materialize "
            "aligned_samples of this date again"
        )
    rows = observed.rows.slice(first, steps)
    labels = samples.rows.select(list(_LABELS))
    last = pa.Table.from_pylist([_after_last(samples)], labels.schema)
    labels = pa.concat_tables([labels, last])
    columns = {name: rows[name] for name in (*FEATURE_NAMES, "frame", "observed", "episode_id")}
    columns |= {name: labels[name] for name in _LABELS}
    columns["step"] = pa.chunked_array([np.arange(steps, dtype=np.int32)])
    columns["is_last"] = pa.chunked_array([np.arange(steps) == steps - 1])
    columns["split"] = pa.chunked_array([[split_of(samples.episode_id)] * steps])
    arrays = [columns[name].combine_chunks() for name in TRAINING_SHARDS.names]
    return pa.RecordBatch.from_arrays(arrays, schema=TRAINING_SHARDS)


def _after_last(samples: Game) -> dict[str, object]:
    """The labels of the row that the last decision led to: nothing is decided there."""
    has_player = bool(samples.column("has_player")[0])
    return {
        "action": 0,
        "adjust": 0,
        "order_amount": None,
        "sell_fraction": None,
        "reward": 0.0,
        "done": False,
        "truncated": False,
        "has_player": has_player,
        "tick_delta": 0,
    }


def violations_of_known_episodes(
    shards: Iterable[pa.RecordBatch], episodes: pa.Table
) -> Violations:
    """Every shard row's episode exists and is kept."""
    kept = {
        row["episode_id"]
        for row in episodes.select(["episode_id", "excluded_because"]).to_pylist()
        if row["excluded_because"] is None
    }
    found = [
        {"episode_id": game.episode_id, "rows": game.rows.num_rows}
        for game in games_in(shards, ["episode_id"])
        if game.episode_id not in kept
    ]
    count = sum(int(str(offender["rows"])) for offender in found)
    return violations("every step's episode is a kept one of `episodes`", found, count=count)


def violations_of_shards_against_rows(
    shards: Iterable[pa.RecordBatch],
    observations: Iterable[pa.RecordBatch],
    samples: Iterable[pa.RecordBatch],
) -> Violations:
    """The stored steps are the stored rows and decisions, aligned as SAR.

    At step t stand observation_t, action_t and reward_t of the t-th decision of the game; the row
    behind the last decision is the last step, and is no decision.

    Args:
        shards: rows of `training_shards`.
        observations: rows of `observations`, games in the same order; others may lie between.
        samples: rows of `aligned_samples`, games in the same order.
    """
    return violations(
        "every step is its decision's row, in order, once",
        _misaligned(shards, observations, samples),
        cure="materialize training_shards of this date again",
    )


def _misaligned(
    shards: Iterable[pa.RecordBatch],
    observations: Iterable[pa.RecordBatch],
    samples: Iterable[pa.RecordBatch],
) -> Iterator[Mapping[str, object]]:
    rows = games_in(observations, _OBSERVED)
    decided = games_in(samples)
    for stored in games_in(shards):
        for skipped in decided:
            if skipped.episode_id == stored.episode_id:
                break
            yield {"episode_id": skipped.episode_id, "found": "decisions without steps"}
        else:
            yield {"episode_id": stored.episode_id, "found": "steps without decisions"}
            continue
        observed = next((game for game in rows if game.episode_id == stored.episode_id), None)
        if observed is None:
            yield {"episode_id": stored.episode_id, "found": "steps without rows"}
            return
        yield from _differences(stored, observed, skipped)
    for skipped in decided:
        yield {"episode_id": skipped.episode_id, "found": "decisions without steps"}


def _differences(stored: Game, observed: Game, decided: Game) -> Iterator[Mapping[str, object]]:
    """The first difference of each column of a game."""
    steps, decisions = len(stored.rows), len(decided.rows)
    first = int(decided.column("frame")[0])
    expected: dict[str, Any] = {
        "step": pa.array(range(decisions + 1), pa.int32()),
        "is_last": pa.array([step == decisions for step in range(decisions + 1)]),
        "split": pa.array([split_of(stored.episode_id)] * (decisions + 1)),
        **{
            name: observed.rows[name].slice(first, decisions + 1).combine_chunks()
            for name in ("frame", "observed", *FEATURE_NAMES)
        },
    }
    found = {name: stored.rows[name].combine_chunks() for name in stored.rows.column_names}
    for name in _LABELS:
        expected[name] = decided.rows[name].combine_chunks()
        found[name] = found[name].slice(0, steps - 1)
    for name, values in expected.items():
        if not found[name].equals(values):
            pairs = zip_longest(found[name].to_pylist(), values.to_pylist())
            types = (str(found[name].type), str(values.type))
            differing = ((step, pair) for step, pair in enumerate(pairs) if pair[0] != pair[1])
            step, (is_there, should_be) = next(differing, (0, types))
            yield {
                "episode_id": stored.episode_id,
                "step": step,
                "column": name,
                "expected": should_be,
                "found": is_there,
            }
