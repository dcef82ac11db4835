"""TorchRL: a release as a `TensorDict` of transitions, and as a replay buffer over it.

In: an open dataset. Out: ``observation``, ``action``, ``episode`` and, below ``next``,
``observation``, ``reward``, ``done``, ``terminated``, ``truncated``; every decision once, in step
order. Needs the extra `torchrl`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rugs_assets.lake.bridges.arrays import decisions_of
from rugs_assets.lake.bridges.extras import library
from rugs_assets.lake.dataset import TrainingDataset


def tensordict(dataset: TrainingDataset, split: str | None = "train") -> Any:
    """The transitions of a split.

    Args:
        dataset: from which.
        split: train, val or test; None: all.

    Returns:
        A `TensorDict` of batch size (N,): ``observation`` float32 (N, 36), ``action`` int64 (N,),
        ``episode`` int64 (N,), ``("next", "observation")``, ``("next", "reward")`` float32 (N, 1),
        ``("next", "terminated")``, ``("next", "truncated")`` and ``("next", "done")``, which is one
        of both, bool (N, 1).

    Raises:
        MissingExtra: torchrl is not installed.
        LakeError: there is no such split, or nothing in it.
    """
    torch, made = library("torch", "torchrl"), library("tensordict", "torchrl")
    found = decisions_of(dataset, split)
    values = {name: torch.from_numpy(each) for name, each in found.batch.items()}
    terminated, truncated = values["dones"][:, None], values["truncateds"][:, None]
    return made.TensorDict(
        {
            "observation": values["observations"],
            "action": values["actions"],
            "episode": torch.from_numpy(found.episode),
            "next": {
                "observation": values["next_observations"],
                "reward": values["rewards"][:, None],
                "terminated": terminated,
                "truncated": truncated,
                "done": terminated | truncated,
            },
        },
        batch_size=[len(found.episode)],
    )


def replay_buffer(
    dataset: TrainingDataset,
    split: str | None = "train",
    *,
    folder: str | Path | None = None,
    **options: Any,
) -> Any:
    """A replay buffer that holds every transition of a split once.

    Args:
        dataset: from which.
        split: train, val or test; None: all.
        folder: where a memory-mapped storage keeps its files; None: in RAM.
        options: of `torchrl.data.TensorDictReplayBuffer`: batch_size, sampler, transform and so on.
            A `SliceSampler` takes ``traj_key="episode"``.

    Raises:
        MissingExtra: torchrl is not installed.
        LakeError: there is no such split, or nothing in it.
    """
    data = library("torchrl.data", "torchrl")
    found = tensordict(dataset, split)
    count = len(found)
    storage = (
        data.LazyTensorStorage(count)
        if folder is None
        else data.LazyMemmapStorage(count, scratch_dir=str(folder))
    )
    buffer = data.TensorDictReplayBuffer(storage=storage, **options)
    buffer.extend(found)
    return buffer
