"""d3rlpy: a release as `MDPDataset`, which is a `ReplayBuffer`.

In: an open dataset. Out: its episodes with d3rlpy's ends. Invariants: every decision is a
transition; where a game rugged it is terminal, and d3rlpy shows zeros as what follows; where the
capture ended first, the row behind the last decision is a last step of its own (WAIT, reward 0),
so that the last decision has its next observation: d3rlpy makes no transition of that step. Needs
the extra `d3rlpy`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rugs_assets.domain.buttons import ACTIONS
from rugs_assets.lake.bridges.arrays import decisions_of
from rugs_assets.lake.bridges.extras import library
from rugs_assets.lake.dataset import TrainingDataset


def mdp_dataset(dataset: TrainingDataset, split: str | None = "train", **options: Any) -> Any:
    """All episodes of a split.

    Args:
        dataset: from which; normalise it first (`TrainingDataset.normalised`) or let d3rlpy scale.
        split: train, val or test; None: all.
        options: of `d3rlpy.dataset.MDPDataset`: transition_picker, trajectory_slicer.

    Returns:
        A `d3rlpy.dataset.MDPDataset` with discrete actions, their number as in the shards.

    Raises:
        MissingExtra: d3rlpy is not installed.
        LakeError: there is no such split, or nothing in it.
    """
    made = library("d3rlpy.dataset", "d3rlpy")
    discrete = library("d3rlpy", "d3rlpy").ActionSpace.DISCRETE
    batch = decisions_of(dataset, split).batch
    ends = np.flatnonzero(batch["truncateds"]) + 1
    behind = batch["next_observations"][ends - 1]
    return made.MDPDataset(
        observations=np.insert(batch["observations"], ends, behind, axis=0),
        actions=np.insert(batch["actions"], ends, 0).astype(np.int32)[:, None],
        rewards=np.insert(batch["rewards"], ends, 0)[:, None],
        terminals=np.insert(batch["dones"], ends, False).astype(np.float32),
        timeouts=np.insert(np.zeros(len(batch["dones"])), ends, 1).astype(np.float32),
        action_space=discrete,
        action_size=len(ACTIONS),
        **options,
    )
