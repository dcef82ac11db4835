"""What a dataset deals: the decisions, windows and episodes of a split, made once and kept.

In: steps, and what observations are normalised by. Out: numbered items for `batches`. Belongs here:
choosing a split, and keeping what was computed for it. Goes elsewhere: gathering (`transitions`,
`sequences`), order (`batches`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rugs_assets.lake.arguments import share, whole
from rugs_assets.lake.dataset_episodes import Episodes
from rugs_assets.lake.episode_index import SPLIT_NAMES
from rugs_assets.lake.errors import LakeError
from rugs_assets.lake.sequences import Windows
from rugs_assets.lake.steps import Array, Steps
from rugs_assets.lake.transitions import Labels, Scale, Transitions, decisions_of, labels_of


class DatasetItems:
    """The items of some steps.

    Args:
        steps: the steps.
        scale: what observations are normalised by, None: they are as stored.
    """

    def __init__(self, steps: Steps, scale: Scale | None) -> None:
        self._steps = steps
        self._scale = scale
        self._rows: dict[str | None, Array] = {}
        self._labels: dict[tuple[int, float | None], Labels] = {}
        self._transitions: dict[tuple[str | None, int, float | None], Transitions] = {}
        self._episodes: Episodes | None = None

    def transitions(self, split: str | None, n_step: int, discount: float | None) -> Transitions:
        """The decisions of a split, with the labels of n steps."""
        n_step = whole("n_step", n_step, 1)  # before it is a key: 2.0 finds what 2 made
        discount = None if discount is None else share("discount", discount)
        key = (split, n_step, discount)
        if key not in self._transitions:
            labels = self._labels_of(n_step, discount)
            self._transitions[key] = Transitions(self._steps, self.rows(split), labels, self._scale)
        return self._transitions[key]

    def windows(self, split: str | None, length: int, stride: int) -> Windows:
        """The windows of a split."""
        labels = self._labels_of(1, None)
        return Windows(self._steps, self.chosen(split), length, stride, labels, self._scale)

    def episodes(self) -> Episodes:
        """All episodes."""
        if self._episodes is None:
            self._episodes = Episodes(self._steps, self._scale)
        return self._episodes

    def rows(self, split: str | None) -> Array:
        """The rows of the decisions of a split."""
        if split not in self._rows:
            self._rows[split] = decisions_of(self._steps, self.chosen(split))
        return self._rows[split]

    def chosen(self, split: str | None) -> NDArray[np.int64]:
        """Positions of the episodes of a split.

        Raises:
            LakeError: there is no such split.
        """
        if split is None:
            return np.arange(len(self._steps.index))
        if split not in SPLIT_NAMES:
            raise LakeError(f"no split {split!r}; there are {', '.join(SPLIT_NAMES)}")
        return np.flatnonzero(self._steps.index.split == SPLIT_NAMES.index(split))

    def _labels_of(self, n_step: int, discount: float | None) -> Labels:
        key = (n_step, discount)
        if key not in self._labels:
            self._labels[key] = labels_of(self._steps, n_step, discount)
        return self._labels[key]
