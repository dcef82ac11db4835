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
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

import numpy as np
import pyarrow as pa

from rugs_assets.domain.columns import Array, optional, required
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
_BATCH_ROWS = 16_384
STEP_ROW_COLUMNS = ("episode_id", "frame", "observed", *FEATURE_NAMES)
"""The columns of `observations` that steps are made of."""
STEP_LABEL_COLUMNS = ("episode_id", "frame", *_LABELS)
"""The columns of `aligned_samples` that steps are made of."""


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
        observations: rows of `observations`, the rows of a game together, at least
            `STEP_ROW_COLUMNS`.
        samples: rows of `aligned_samples`, games in the same order, at least `STEP_LABEL_COLUMNS`.
        episodes: the date's `episodes`.

    Yields:
        Batches of whole games, in the schema `TRAINING_SHARDS`.

    Raises:
        ValueError: a sample has no row or no successor, samples do not follow each other, or their
            game does not exist: the inputs do not belong together.
    """
    known = set(episodes["episode_id"].to_pylist())
    rows, steps = games_in(observations, STEP_ROW_COLUMNS), _Steps()
    for game in games_in(samples):
        if game.episode_id not in known:
            raise ValueError(f"samples of game {game.episode_id}, which `episodes` does not have")
        observed = next((found for found in rows if found.episode_id == game.episode_id), None)
        if observed is None:
            raise ValueError(
                f"samples of game {game.episode_id}, of which `observations` has no rows (in the "
                "order of the samples): materialize aligned_samples of this date again"
            )
        steps.add(observed, game)
        if steps.rows >= _BATCH_ROWS:
            yield steps.batch()
            steps = _Steps()
    if steps.rows:
        yield steps.batch()


@dataclass(slots=True)
class _Steps:
    """Steps of games, until they are enough for a batch: calls cost by the batch.

    Attributes:
        observed: rows of `observations`; ``labels`` rows of `aligned_samples`, without those of the
            rows behind the last decisions.
        games: (episode_id, its steps) in order.
    """

    rows: int = 0
    observed: list[pa.RecordBatch] = field(default_factory=list)
    labels: list[pa.RecordBatch] = field(default_factory=list)
    games: list[tuple[str, int]] = field(default_factory=list)

    def add(self, observed: Game, samples: Game) -> None:
        """Take the steps of a game."""
        first, steps = _span(observed, samples)
        self.observed += observed.slice(first, steps)
        self.labels += samples.parts
        self.games.append((samples.episode_id, steps))
        self.rows += steps

    def batch(self) -> pa.RecordBatch:
        """All that was taken."""
        counts = np.array([steps for _, steps in self.games])
        game = np.repeat(np.arange(len(counts)), counts)
        ends = np.cumsum(counts)
        step = np.arange(self.rows) - (ends - counts)[game]
        is_last = step == counts[game] - 1
        # Behind a game's last decision stands a row without labels: null here, then 0.
        at = pa.array(np.arange(self.rows) - game, mask=is_last)
        observed = pa.Table.from_batches(self.observed).combine_chunks()
        labels = pa.Table.from_batches(self.labels).combine_chunks()
        columns: dict[str, Any] = {name: observed[name] for name in STEP_ROW_COLUMNS}
        for name in _LABELS:
            found = labels[name].combine_chunks().take(at)
            if not TRAINING_SHARDS.field(name).nullable:
                found = found.fill_null(False if found.type == pa.bool_() else 0)
            columns[name] = found
        first_labels = ends - counts - np.arange(len(counts))
        columns["has_player"] = labels["has_player"].take(first_labels).take(game)
        columns["step"] = pa.array(step.astype(np.int32))
        columns["is_last"] = pa.array(is_last)
        splits = pa.array([split_of(episode_id) for episode_id, _ in self.games], pa.string())
        columns["split"] = splits.take(game)
        arrays = [_whole(columns[name]) for name in TRAINING_SHARDS.names]
        return pa.RecordBatch.from_arrays(arrays, schema=TRAINING_SHARDS)


def _whole(column: Any) -> Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _span(observed: Game, samples: Game) -> tuple[int, int]:
    """Where the steps of a game lie in its rows: the first, and how many."""
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
    return first, steps


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
    rows = games_in(observations, STEP_ROW_COLUMNS)
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
