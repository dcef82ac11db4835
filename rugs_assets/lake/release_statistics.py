"""What a release says of its steps: counts, and the moments that observations are normalised by.

In: batches of `training_shards` and which rows count. Out: plain JSON values. Invariants: moments
are those of the decisions of the train split alone, so that nothing of val and test leaks into
training; they are added up in an order that does not depend on the machine, so that the same rows
give the same bits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rugs_assets.domain.buttons import ACTIONS
from rugs_assets.domain.features import FEATURE_COUNT, FEATURE_NAMES
from rugs_assets.lake.episode_index import SPLIT_NAMES

_BLOCK = 4_096
COLUMNS = (*FEATURE_NAMES, "action", "done", "truncated", "is_last")
"""The columns of `training_shards` that the statistics are made of."""


class Moments:
    """Count, mean, standard deviation, least and greatest of each feature, added up in blocks."""

    def __init__(self) -> None:
        self._counts: list[int] = []
        self._means: list[NDArray[np.float64]] = []
        self._squares: list[NDArray[np.float64]] = []
        self._low = np.full(FEATURE_COUNT, np.inf)
        self._high = np.full(FEATURE_COUNT, -np.inf)

    def add(self, rows: NDArray[np.float32]) -> None:
        """Add rows of shape (k, 36)."""
        for start in range(0, len(rows), _BLOCK):
            block = np.ascontiguousarray(rows[start : start + _BLOCK], np.float64)
            # Over axis 0 numpy adds row after row: the order of additions is that of the rows.
            mean = block.sum(axis=0) / len(block)
            self._counts.append(len(block))
            self._means.append(mean)
            self._squares.append(((block - mean) ** 2).sum(axis=0))
            self._low = np.minimum(self._low, block.min(axis=0))
            self._high = np.maximum(self._high, block.max(axis=0))

    def result(self) -> dict[str, Any]:
        """The moments; all 0 when no row was added."""
        count = sum(self._counts)
        if not count:
            zeros = [0.0] * FEATURE_COUNT
            return {"rows": 0, "mean": zeros, "std": zeros, "min": zeros, "max": zeros}
        sizes = np.array(self._counts, np.float64)[:, None]
        means, squares = np.stack(self._means), np.stack(self._squares)
        mean = _exact_sums(means * sizes) / count
        spread = _exact_sums(squares) + _exact_sums(sizes * (means - mean) ** 2)
        return {
            "rows": count,
            "mean": mean.tolist(),
            "std": np.sqrt(spread / count).tolist(),
            "min": self._low.tolist(),
            "max": self._high.tolist(),
        }


@dataclass
class Tally:
    """Counts of the episodes and decisions of a release."""

    moments: Moments = field(default_factory=Moments)
    samples: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(SPLIT_NAMES), np.int64))
    actions: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(ACTIONS), np.int64))
    ends: dict[str, int] = field(default_factory=lambda: {"done": 0, "truncated": 0})

    def add(self, batch: pa.RecordBatch, split: NDArray[np.int8]) -> None:
        """Add rows.

        Args:
            batch: with at least `COLUMNS`, n rows.
            split: int8 (n,), the split of each row by position, -1 for rows of other episodes.
        """
        decisions = (split >= 0) & ~_column(batch, "is_last")
        self.samples += np.bincount(split[decisions], minlength=len(SPLIT_NAMES))
        self.actions += np.bincount(_column(batch, "action")[decisions], minlength=len(ACTIONS))
        for name in self.ends:
            self.ends[name] += int(_column(batch, name)[decisions].sum())
        train = decisions & (split == SPLIT_NAMES.index("train"))
        if train.any():
            features = [_column(batch, name)[train] for name in FEATURE_NAMES]
            self.moments.add(np.stack(features, axis=1))


def _column(batch: pa.RecordBatch, name: str) -> NDArray[Any]:
    return np.asarray(batch[name].to_numpy(zero_copy_only=False))


def _exact_sums(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([math.fsum(column) for column in rows.T])
