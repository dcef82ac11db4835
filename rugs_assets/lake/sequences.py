"""Windows of consecutive decisions, for sequence models.

In: steps, the episodes wanted, a length and a stride. Out: numbered windows that `batches` deals.
Invariants: a window lies in one episode; windows begin at 0, stride, 2 x stride, ... until one
reaches the episode's last decision; what lies beyond it is zeros with `masks` false.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rugs_assets.domain.features import FEATURE_COUNT
from rugs_assets.lake.arguments import whole
from rugs_assets.lake.shuffling import Positions
from rugs_assets.lake.steps import Steps
from rugs_assets.lake.transitions import Buffers, Labels, Scale, gathered, label_buffers


class Windows:
    """The windows of some episodes, each with a number.

    Args:
        steps: the steps.
        episodes: positions of the episodes, int (E,).
        length: decisions a window.
        stride: decisions from the beginning of a window to that of the next.
        labels: what is gathered beside the observations.
        scale: what observations are normalised by, None: they are as stored.

    Raises:
        LakeError: length or stride is not positive.
    """

    def __init__(
        self,
        steps: Steps,
        episodes: NDArray[np.int64],
        length: int,
        stride: int,
        labels: Labels,
        scale: Scale | None,
    ) -> None:
        length, stride = whole("length", length, 1), whole("stride", stride, 1)
        first, decisions = steps.starts[episodes], np.diff(steps.starts)[episodes] - 1
        # A stride beyond the length must not begin a window behind the last decision.
        further = -(-np.maximum(0, decisions - length) // stride)
        windows = 1 + np.minimum(further, (decisions - 1) // stride)
        before = np.concatenate(([0], np.cumsum(windows)))
        number = np.arange(before[-1]) - np.repeat(before[:-1], windows)
        self.kind = f"windows of {length} by {stride}"
        self.count = int(before[-1])
        self.rows = length
        self._starts = np.repeat(first, windows) + number * stride
        self._ends = np.repeat(first + decisions, windows)
        self._length = length
        self._steps = steps
        self._labels = labels
        self._scale = scale

    def buffers(self, size: int) -> Buffers:
        """Arrays for `size` windows: (size, length, ...)."""
        shape = (size, self._length)
        made: Buffers = {
            "observations": np.empty((*shape, FEATURE_COUNT), np.float32),
            "next_observations": np.empty((*shape, FEATURE_COUNT), np.float32),
            "masks": np.empty(shape, np.bool_),
        }
        return made | label_buffers(self._labels, shape)

    def gather(self, items: Positions, out: Buffers) -> None:
        """Put the windows with these numbers, int64 (k,), into buffers of exactly k."""
        # Rows behind an episode's end are gathered like the others, and then overwritten.
        rows = self._starts[items][:, None] + np.arange(self._length)
        np.less(rows, self._ends[items][:, None], out=out["masks"])
        observations = self._steps.observations
        observations.take(rows, axis=0, out=out["observations"], mode="clip")
        for name, values in self._labels.columns.items():
            gathered(values, rows, out[name])
        rows += 1
        observations.take(rows, axis=0, out=out["next_observations"], mode="clip")
        if self._scale is not None:
            self._scale.apply(out["observations"])
            self._scale.apply(out["next_observations"])
        padding = ~out["masks"]
        if padding.any():
            for name, array in out.items():
                if name != "masks":
                    array[padding] = 0
