"""All decisions of a split as arrays, in step order: what most libraries are filled from.

In: an open dataset. Out: numpy arrays, new and the caller's own. Belongs here: that one reading.
Goes elsewhere: what a library wants made of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rugs_assets.lake.batches import Batch
from rugs_assets.lake.dataset import TrainingDataset
from rugs_assets.lake.errors import LakeError


@dataclass(frozen=True, slots=True)
class Decisions:
    """N decisions of E episodes, in step order.

    Attributes:
        batch: as of `TrainingDataset.batches`, each array of N.
        episode: int64 (N,), the number of the episode within the split, 0 to E - 1.
        step: int64 (N,), the number of the decision within its episode.
        episode_ids: the games, E of them.
    """

    batch: Batch
    episode: NDArray[np.int64]
    step: NDArray[np.int64]
    episode_ids: list[str]

    @property
    def ids(self) -> NDArray[np.str_]:
        """Str (N,), the game of each decision."""
        return np.array(self.episode_ids, np.str_)[self.episode]


def decisions_of(dataset: TrainingDataset, split: str | None) -> Decisions:
    """Read all decisions of a split.

    Args:
        dataset: from which.
        split: train, val or test; None: all.

    Raises:
        LakeError: there is no such split, or no decision in it.
    """
    count = dataset.count(split)
    if not count:
        raise LakeError(f"{title_of(dataset)}: no decision in {split or 'any split'}")
    (batch,) = dataset.batches(count, split=split)
    ids, lengths = [], []
    for episode in dataset.episodes(split=split):
        ids.append(episode.episode_id)
        lengths.append(len(episode))
    of = np.array(lengths, np.int64)
    starts = np.cumsum(of) - of
    return Decisions(
        batch, np.repeat(np.arange(len(of)), of), np.arange(count) - np.repeat(starts, of), ids
    )


def title_of(dataset: TrainingDataset) -> str:
    """What a dataset was opened from, in words."""
    return dataset.origin.title if dataset.origin is not None else "steps in memory"


def passport_of(dataset: TrainingDataset, split: str | None) -> dict[str, Any]:
    """What a copy of a dataset says of where it comes from: plain JSON values."""
    origin = dataset.origin
    return {
        "made_from": title_of(dataset),
        "release": origin.release if origin is not None else None,
        "checksum": origin.checksum if origin is not None else dataset.identity,
        "split": split or "all",
        "normalised": dataset.scale is not None,
    }
