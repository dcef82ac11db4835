"""What a release says of its steps: counts, and the moments that observations are normalised by.

In: batches of `training_shards` and which rows count. Out: plain JSON values. Invariants: moments
are those of the decisions of the train split alone, so that nothing of val and test leaks into
training; they are exact (`domain.moments`), so that the same rows give the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rugs_assets.domain.buttons import ACTIONS
from rugs_assets.domain.features import FEATURE_COUNT, FEATURE_NAMES
from rugs_assets.domain.moments import Moments
from rugs_assets.lake.episode_index import SPLIT_NAMES

COLUMNS = (*FEATURE_NAMES, "action", "done", "truncated", "is_last")
"""The columns of `training_shards` that the statistics are made of."""


def moments_said(moments: Moments) -> dict[str, Any]:
    """Rows, mean, std, min and max, the last four a list over the features; all 0 without rows."""
    found = moments.statistics()
    return {
        "rows": moments.rows,
        **{name: [getattr(each, name) for each in found] for name in ("mean", "std", "min", "max")},
    }


@dataclass
class Tally:
    """Counts of the episodes and decisions of a release."""

    moments: Moments = field(default_factory=lambda: Moments(FEATURE_COUNT))
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
