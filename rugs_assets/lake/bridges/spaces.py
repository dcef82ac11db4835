"""The spaces of observations and actions, as Gymnasium and Minari want them.

In: the list of features, the names of actions. Out: a `Box` of the declared ranges, a `Discrete`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rugs_assets.domain.buttons import ACTIONS
from rugs_assets.domain.features import FEATURES
from rugs_assets.lake.bridges.extras import library

_LARGEST = float(np.finfo(np.float32).max)  # what `features.to_float32` clips to


def observation_space(seen: NDArray[np.float32] | None = None) -> Any:
    """`Box` float32 (36,): each feature's declared range, the whole of float32 where none is.

    Args:
        seen: float32 (n, 36), rows that must lie in it: real captures may leave a declared range.

    Raises:
        MissingExtra: gymnasium is not installed.
    """
    low, high = (
        np.array([default if bound is None else bound for bound in bounds], np.float32)
        for default, bounds in (
            (-_LARGEST, [feature.low for feature in FEATURES]),
            (_LARGEST, [feature.high for feature in FEATURES]),
        )
    )
    if seen is not None and len(seen):
        low, high = np.minimum(low, seen.min(axis=0)), np.maximum(high, seen.max(axis=0))
    return library("gymnasium.spaces", "gymnasium").Box(low, high, dtype=np.float32)


def action_space() -> Any:
    """`Discrete`: the actions by number, as in the shards.

    Raises:
        MissingExtra: gymnasium is not installed.
    """
    return library("gymnasium.spaces", "gymnasium").Discrete(len(ACTIONS))
