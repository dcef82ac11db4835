"""What a loader relies on in `training_shards`: each decision is followed by the row it led to.

In: rows of `training_shards` in stored order. Out: violations. Belongs here: the shape of an
episode of steps. How steps are made stands in ``shards``, order alone in ``order``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pyarrow as pa

from rugs_assets.domain.buttons import ACTIONS
from rugs_assets.domain.games import Game, games_in
from rugs_assets.domain.shards import split_of
from rugs_assets.domain.violations import Violations, violations

STEP_COLUMNS = ("episode_id", "step", "is_last", "done", "truncated", "action", "split")


def violations_of_steps(rows: Iterable[pa.RecordBatch]) -> Violations:
    """Every episode is decisions and one row after them, ends once, and lies in its split.

    Steps count from 0; only the row after the last decision is `is_last`; exactly the last decision
    is done or truncated, never both; actions are known; the split is that of the episode's hash.

    Args:
        rows: batches in the schema `TRAINING_SHARDS`, in stored order.
    """
    return violations("every decision leads to the next row of its episode", _offenders(rows))


def _offenders(rows: Iterable[pa.RecordBatch]) -> Iterator[Mapping[str, object]]:
    for game in games_in(rows, STEP_COLUMNS):
        for problem in _problems(game):
            yield {"episode_id": game.episode_id, "found": problem}


def _problems(game: Game) -> Iterator[str]:
    count = game.rows.num_rows
    after_last = np.arange(count) == count - 1
    ends = game.column("done").astype(np.int8) + game.column("truncated").astype(np.int8)
    if count < 2:
        yield "no decision"
    elif not (ends == (np.arange(count) == count - 2)).all():
        yield "its last decision is not the only one that is done or truncated"
    if not (game.column("step") == np.arange(count)).all():
        yield "its steps do not count from 0"
    if not (game.column("is_last") == after_last).all():
        yield "is_last stands elsewhere than behind the last decision"
    actions = game.column("action")
    if actions.min() < 0 or actions.max() >= len(ACTIONS):
        yield "an action that has no name"
    splits = {str(split) for split in game.rows["split"].unique().to_pylist()}
    if splits != {split_of(game.episode_id)}:
        yield f"split {sorted(splits)}, expected {split_of(game.episode_id)!r}"
