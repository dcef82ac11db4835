"""The order that every table of rows of games keeps: games whole, rows strictly ascending.

In: batches of rows in stored order. Out: violations. Belongs here: order alone, the same for
`observations`, `aligned_samples` and `training_shards`. What the rows hold stands in their stages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pyarrow as pa

from rugs_assets.domain.games import games_in
from rugs_assets.domain.violations import Violations, violations


def violations_of_order(rows: Iterable[pa.RecordBatch], by: str) -> Violations:
    """The rows of a game stand together, and their numbers strictly ascend.

    Args:
        rows: batches with `episode_id` and `by`, in stored order.
        by: the column that numbers the rows of a game (`frame`, `step`).
    """
    return violations(
        f"the rows of a game stand together and {by} strictly ascends",
        _offenders(rows, by),
    )


def _offenders(rows: Iterable[pa.RecordBatch], by: str) -> Iterator[Mapping[str, object]]:
    seen: set[str] = set()
    for game in games_in(rows, ("episode_id", by)):
        numbers = game.column(by).astype(np.int64)
        if game.episode_id in seen:
            yield {"episode_id": game.episode_id, by: int(numbers[0]), "found": "the game again"}
        seen.add(game.episode_id)
        for at in np.flatnonzero(np.diff(numbers) <= 0).tolist():
            yield {
                "episode_id": game.episode_id,
                by: int(numbers[at + 1]),
                "found": f"after {by} {numbers[at]}",
            }
