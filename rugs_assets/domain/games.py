"""Games in a table: the rows of one game at a time, out of batches of any size.

In: batches of a table whose rows of a game stand together (`observations`, `aligned_samples`).
Out: one `Game` after the other. Memory: the rows of one game and one batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Game:
    """The rows of one game.

    Attributes:
        episode_id: the game; ``rows`` its rows, in order.
    """

    episode_id: str
    rows: pa.Table

    @property
    def session_id(self) -> str:
        """The session whose view of the game this is."""
        return str(self.rows["session_id"][0].as_py())

    def column(self, name: str) -> NDArray[Any]:
        """A column that is never null, as an array of shape (n,)."""
        return np.asarray(self.rows[name].to_numpy())


def games_in(
    batches: Iterable[pa.RecordBatch], columns: Sequence[str] | None = None
) -> Iterator[Game]:
    """Cut batches into games.

    Args:
        batches: with ``episode_id``; the rows of a game stand together.
        columns: those that are needed; all by default.
    """
    held: list[pa.RecordBatch] = []
    current: str | None = None
    for batch in batches:
        part = batch if columns is None else batch.select(list(columns))
        for episode_id, rows in _runs(part):
            if episode_id != current and held:
                yield Game(str(current), pa.Table.from_batches(held))
                held = []
            current = episode_id
            held.append(rows)
    if held:
        yield Game(str(current), pa.Table.from_batches(held))


def _runs(batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
    if not batch.num_rows:
        return
    games = batch["episode_id"].to_numpy(zero_copy_only=False)
    cuts = np.flatnonzero(games[1:] != games[:-1]) + 1
    edges = [0, *cuts.tolist(), batch.num_rows]
    for start, end in pairwise(edges):
        yield str(games[start]), batch.slice(start, end - start)
