"""The peers' own loaders, each on the transitions of a dataset, as their manuals use them.

Each is imported only here and only when it is installed; one that is not is named and left out.
"""

from __future__ import annotations

import importlib
import itertools
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.loader_targets import D3RLPY, TORCHRL
from rugs_assets.lake.dataset import TrainingDataset

_MINARI_EPISODES = 300  # writing all of them would take longer than the benchmark

Stream = Callable[[int], Iterator[int]]
Arrays = dict[str, Any]


@dataclass
class Peers:
    """What is installed, ready to be measured."""

    minibatches: dict[str, Stream] = field(default_factory=dict)
    episodes: dict[str, Stream] = field(default_factory=dict)


def installed(dataset: TrainingDataset, folder: Path, say: Callable[[str], None]) -> Peers:
    """Build every peer that can be imported.

    Args:
        dataset: the transitions.
        folder: where peers may keep files.
        say: told what is left out.
    """
    peers = Peers()
    adders = {"torchrl": _torchrl, "torch": _torch, "d3rlpy": _d3rlpy, "minari": _minari}
    for module, add in adders.items():
        say(f"handing the transitions to {module}")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                importlib.import_module(module)
                add(peers, dataset, folder)
        except ImportError as error:  # it, or what it needs for this (minari has h5py as an extra)
            say(f"{error}: {module} is left out (pip install 'rugs_assets[bench]')")
    return peers


def _module(name: str) -> Any:
    """A library that no environment of this project needs to have, so without its types."""
    return importlib.import_module(name)


def _transitions(dataset: TrainingDataset) -> Arrays:
    """All transitions in step order, as five arrays."""
    (batch,) = dataset.batches(len(dataset))
    return batch


def _torchrl(peers: Peers, dataset: TrainingDataset, folder: Path) -> None:
    torch, tensordict, rl = map(_module, ("torch", "tensordict", "torchrl.data"))
    torch.set_num_threads(1)  # as numpy gathers, and better for batches of this size
    found = {name: torch.from_numpy(values) for name, values in _transitions(dataset).items()}
    count = len(dataset)
    storages = (
        rl.LazyMemmapStorage(count, scratch_dir=folder / "torchrl"),
        rl.LazyTensorStorage(count),
    )
    for name, storage in zip(TORCHRL, storages, strict=True):
        filling = rl.TensorDictReplayBuffer(storage=storage, batch_size=1)
        filling.extend(tensordict.TensorDict(found, batch_size=[count]))
        peers.minibatches[name] = _drawn_by(rl, storage)


def _drawn_by(rl: Any, storage: Any) -> Stream:
    def stream(size: int) -> Iterator[int]:
        # Without TensorDictReplayBuffer's priorities, and with a tensordict handed on as it is.
        buffer = rl.ReplayBuffer(storage=storage, batch_size=size, collate_fn=lambda drawn: drawn)
        while True:
            yield len(buffer.sample()["rewards"])

    return stream


def _torch(peers: Peers, dataset: TrainingDataset, folder: Path) -> None:
    torch, data = map(_module, ("torch", "torch.utils.data"))
    torch.set_num_threads(1)
    arrays = [torch.from_numpy(values) for values in _transitions(dataset).values()]

    class Rows:
        def __len__(self) -> int:
            return len(arrays[0])

        def __getitem__(self, at: Any) -> list[Any]:
            return [array[at] for array in arrays]

    rows = Rows()

    def batched(size: int) -> Iterator[int]:
        sampler = data.BatchSampler(data.RandomSampler(rows), size, drop_last=True)
        while True:
            yield from (
                len(batch[0]) for batch in data.DataLoader(rows, sampler=sampler, batch_size=None)
            )

    def plain(size: int) -> Iterator[int]:
        while True:
            yield from (
                len(batch[0]) for batch in data.DataLoader(rows, batch_size=size, shuffle=True)
            )

    peers.minibatches["torch DataLoader, batch sampler"] = batched
    peers.minibatches["torch DataLoader, shuffle=True"] = plain


def _d3rlpy(peers: Peers, dataset: TrainingDataset, folder: Path) -> None:
    d3rlpy = _module("d3rlpy")
    d3rlpy.logging.LOG.debug = d3rlpy.logging.LOG.info = lambda *_, **__: None
    found = _transitions(dataset)
    buffer = d3rlpy.dataset.MDPDataset(
        found["observations"],
        found["actions"].reshape(-1, 1).astype(np.int32),
        found["rewards"].reshape(-1, 1),
        found["dones"].astype(np.float32),
        timeouts=found["truncateds"].astype(np.float32),
        action_space=d3rlpy.ActionSpace.DISCRETE,
    )

    def stream(size: int) -> Iterator[int]:
        while True:
            yield len(buffer.sample_transition_batch(size).rewards)

    def trajectories(length: int) -> Iterator[int]:
        while True:
            yield len(buffer.sample_trajectory(length).rewards)

    peers.minibatches[D3RLPY] = stream
    peers.episodes[D3RLPY] = trajectories


def _minari(peers: Peers, dataset: TrainingDataset, folder: Path) -> None:
    gym, minari = map(_module, ("gymnasium", "minari"))
    os.environ["MINARI_DATASETS_PATH"] = str(folder / "minari")
    episodes = [
        {
            "observations": np.concatenate((each.observations, each.next_observations[-1:])),
            "actions": each.actions.astype(np.int64),
            "rewards": each.rewards,
            "terminations": each.dones,
            "truncations": each.truncateds,
        }
        for each in itertools.islice(dataset.episodes(), _MINARI_EPISODES)
    ]
    buffers = [minari.data_collector.EpisodeBuffer(**each) for each in episodes]
    made = minari.create_dataset_from_buffers(
        "rugs/bench-v0",
        buffers,
        observation_space=gym.spaces.Box(-np.inf, np.inf, (36,), np.float32),
        action_space=gym.spaces.Discrete(4),
    )

    def stream(size: int) -> Iterator[int]:
        while True:
            # Whole episodes until they make a batch: Minari has no transitions to draw.
            count = 0
            while count < size:
                (episode,) = made.sample_episodes(1)
                count += len(episode.rewards)
            yield count

    def whole(_: int) -> Iterator[int]:
        while True:
            yield from (len(each.rewards) for each in made.sample_episodes(16))

    peers.minibatches["Minari, episode-correlated"] = stream
    peers.episodes["Minari"] = whole
