"""Whole episodes of a dataset, as views: nothing is copied, whatever their length.

In: steps and the position of an episode. Out: its decisions, each with the observation it led to,
which is the next row. Belongs here: one episode. Goes elsewhere: their order (`dataset`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rugs_assets.lake.episode_index import SPLIT_NAMES
from rugs_assets.lake.steps import EXTRAS, Array, Steps
from rugs_assets.lake.transitions import Scale


@dataclass(frozen=True, slots=True)
class EpisodeSteps:
    """The decisions of one episode; arrays are read-only views where nothing was computed.

    Attributes:
        episode_id: the game.
        capture_date: its UTC date; None where no store holds it.
        split: train, val or test.
        observations: float32 (T, 36).
        actions: int8 (T,).
        rewards: float32 (T,).
        next_observations: float32 (T, 36).
        dones: bool (T,), true at the last decision of a game that rugged.
        truncateds: bool (T,), true at the last decision of a game whose capture ended first.
        columns: the columns asked for, each (T,).
    """

    episode_id: str
    capture_date: date | None
    split: str
    observations: NDArray[np.float32]
    actions: NDArray[np.int8]
    rewards: NDArray[np.float32]
    next_observations: NDArray[np.float32]
    dones: NDArray[np.bool_]
    truncateds: NDArray[np.bool_]
    columns: dict[str, Array]

    def __len__(self) -> int:
        return len(self.actions)


class Episodes:
    """The episodes of some steps.

    Args:
        steps: the steps.
        scale: what observations are normalised by, None: they are as stored.
    """

    def __init__(self, steps: Steps, scale: Scale | None) -> None:
        table = steps.index.table
        self._ids = [str(each) for each in table["episode_id"].to_pylist()]
        self._dates: list[Any] = table["capture_date"].to_pylist()
        self._splits = steps.index.split.tolist()
        self._starts = steps.starts.tolist()
        self._steps = steps
        self._scale = scale
        self._extras = [name for name in EXTRAS if name in steps.columns]

    def at(self, position: int) -> EpisodeSteps:
        """The episode at a position of the index."""
        start, end = self._starts[position], self._starts[position + 1] - 1
        columns = self._steps.columns
        rows = self._steps.observations[start : end + 1]
        if self._scale is not None:
            rows = self._scale.applied(rows)
        return EpisodeSteps(
            self._ids[position],
            self._dates[position],
            SPLIT_NAMES[self._splits[position]],
            rows[:-1],
            columns["action"][start:end],
            columns["reward"][start:end],
            rows[1:],
            columns["done"][start:end],
            columns["truncated"][start:end],
            {name: columns[name][start:end] for name in self._extras},
        )
