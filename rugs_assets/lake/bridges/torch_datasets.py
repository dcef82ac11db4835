"""The PyTorch classes of ``bridges.torch``: importable by name, so that workers can be spawned.

Importing this module imports torch; `rugs_assets.lake.bridges.torch` does so when asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, TypedDict, Unpack

import numpy as np
import torch
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from rugs_assets.lake.batches import Batch, BatchStream, LoaderState
from rugs_assets.lake.dataset import TrainingDataset
from rugs_assets.lake.errors import LakeError

Tensors = dict[str, torch.Tensor]
_MOST_WORKERS = 1_024


class Dealt(TypedDict, total=False):
    """How batches are dealt to a loader (see `TrainingDataset.batches`)."""

    split: str | None
    n_step: int
    discount: float | None
    seed: int | None
    rank: int
    world_size: int
    drop_last: bool


class BatchesDataset(IterableDataset):  # type: ignore[misc] # torch's types are not installed here
    """Whole batches of a dataset (see `torch.iterable_dataset`)."""

    def __init__(self, dataset: TrainingDataset, batch_size: int, **dealing: Unpack[Dealt]) -> None:
        unknown = dealing.keys() - Dealt.__annotations__.keys()
        if unknown:
            raise LakeError(f"no argument {', '.join(sorted(unknown))}")
        super().__init__()
        self._dataset, self._batch_size, self._dealing = dataset, batch_size, dealing
        # In shared memory: workers that are made anew for each pass know which one it is.
        self._passes = torch.zeros(_MOST_WORKERS, dtype=torch.int64).share_memory_()
        self._resume: LoaderState | None = None
        self._stream = self._dealt(0, 1, None, 0)  # refuses what cannot be honoured

    def __len__(self) -> int:
        """Batches of a pass without workers; each of several workers may end on a smaller one."""
        return len(self._dealt(0, 1, None, 0))

    def __iter__(self) -> Iterator[Tensors]:
        """The batches of the next epoch, or of the rest of one that is resumed."""
        info = get_worker_info()
        worker, workers = (0, 1) if info is None else (info.id, info.num_workers)
        state, self._resume = self._resume, None
        epoch = int(self._passes[worker]) if state is None else state.epoch
        self._passes[worker] = epoch + 1
        self._stream = self._dealt(worker, workers, state, epoch)
        return map(tensors_of, self._stream)

    def __getstate__(self) -> dict[str, Any]:
        """Without the stream, which stands somewhere: a worker deals its own."""
        return {name: value for name, value in self.__dict__.items() if name != "_stream"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Ready to begin, or to be told where to resume."""
        self.__dict__.update(state)
        self._stream = self._dealt(0, 1, None, 0)

    def state_dict(self) -> dict[str, Any]:
        """Where this process stands: plain values, small."""
        return self._stream.state.to_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on there with the next pass.

        Raises:
            LakeError: it is not the state of such a dataset.
        """
        self._resume = LoaderState.from_dict(state)

    def _dealt(
        self, worker: int, workers: int, state: LoaderState | None, epoch: int
    ) -> BatchStream:
        stream = self._dataset.batches(
            self._batch_size, **self._dealing, worker=worker, workers=workers
        )
        return self._dataset.batches(
            self._batch_size,
            **self._dealing,
            worker=worker,
            workers=workers,
            epochs=epoch + 1,
            resume=state or replace(stream.state, epoch=epoch),
        )


class DecisionsDataset(Dataset):  # type: ignore[misc] # torch's types are not installed here
    """Decisions of a split by number (see `torch.map_dataset`)."""

    def __init__(self, dataset: TrainingDataset, split: str | None) -> None:
        self._dataset, self._split = dataset, split
        self._count = dataset.count(split)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, at: Any) -> Tensors:
        """One decision by its number, or a batch by a list, array or tensor of numbers.

        Raises:
            IndexError: there is no such decision.
        """
        numbers = np.atleast_1d(np.asarray(at, np.int64))
        if len(numbers) and not (numbers.min() >= -self._count and numbers.max() < self._count):
            raise IndexError(f"{at} of {self._count} decisions")
        numbers = np.where(numbers < 0, numbers + self._count, numbers)
        batch = tensors_of(self._dataset.batch(numbers, self._split))
        return batch if np.ndim(at) else {name: each[0] for name, each in batch.items()}

    def __getitems__(self, at: Sequence[int]) -> list[Tensors]:
        """Single decisions, gathered together: what a loader asks for when it collates."""
        batch = self[list(at)]
        return [{name: each[row] for name, each in batch.items()} for row in range(len(at))]


def tensors_of(batch: Batch) -> Tensors:
    """The arrays as tensors that share their memory."""
    return {name: torch.as_tensor(values) for name, values in batch.items()}
