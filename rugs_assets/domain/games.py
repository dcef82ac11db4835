"""Games in a table: the rows of one game at a time, out of batches of any size.

In: batches of a table whose rows of a game stand together (`observations`, `aligned_samples`).
Out: one `Game` after the other. Memory: the rows of one game and one batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


@dataclass(frozen=True)
class Game:
    """The rows of one game.

    Attributes:
        episode_id: the game; ``parts`` its rows, in order, as they lay in their batches.
    """

    episode_id: str
    parts: tuple[pa.RecordBatch, ...]

    @cached_property
    def rows(self) -> pa.Table:
        """Its rows as one table."""
        return pa.Table.from_batches(self.parts)

    @property
    def session_id(self) -> str:
        """The session whose view of the game this is."""
        return str(self.parts[0]["session_id"][0].as_py())

    def column(self, name: str) -> NDArray[Any]:
        """A column that is never null, as an array of shape (n,)."""
        found = [part[name].to_numpy(zero_copy_only=False) for part in self.parts]
        return np.asarray(found[0] if len(found) == 1 else np.concatenate(found))

    def slice(self, start: int, count: int) -> list[pa.RecordBatch]:
        """Some of its rows, in order."""
        found = []
        for part in self.parts:
            if start < part.num_rows and count > 0:
                found.append(part.slice(start, count))
                count -= found[-1].num_rows
            start = max(start - part.num_rows, 0)
        return found


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
                yield Game(str(current), tuple(held))
                held = []
            current = episode_id
            held.append(rows)
    if held:
        yield Game(str(current), tuple(held))


def _runs(batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
    if not batch.num_rows:
        return
    games = batch["episode_id"]
    cuts = np.flatnonzero(pc.not_equal(games[1:], games[:-1]).to_numpy(zero_copy_only=False)) + 1
    edges = [0, *cuts.tolist(), batch.num_rows]
    for start, end in pairwise(edges):
        yield str(games[start].as_py()), batch.slice(start, end - start)
