"""PyTorch: batches for a `DataLoader`, in an order that can be cited, or decisions by number.

In: an open dataset. Out: an `IterableDataset` of whole batches, or a map-style `Dataset`, both as
dicts of tensors with the names of `TrainingDataset.batches`. Needs the extra `torch`.

    loader = DataLoader(iterable_dataset(dataset, 256, split="train", seed=0), batch_size=None,
                        num_workers=2, pin_memory=True)

Belongs here: making them. Goes elsewhere: the classes (`torch_datasets`), order (`batches`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from rugs_assets.lake.bridges.extras import library
from rugs_assets.lake.dataset import TrainingDataset

if TYPE_CHECKING:
    from rugs_assets.lake.bridges.torch_datasets import BatchesDataset, Dealt, DecisionsDataset

_CLASSES = "rugs_assets.lake.bridges.torch_datasets"


def iterable_dataset(
    dataset: TrainingDataset, batch_size: int, **dealing: Unpack[Dealt]
) -> BatchesDataset:
    """Whole batches; give it to a `DataLoader` with ``batch_size=None``.

    The k-th pass over the loader deals epoch k. With several workers each deals its own part, so
    that together they deal every decision once (``drop_last``: as many batches each). Use one
    loader for a dataset object.

    `state_dict` and `load_state_dict` tell and set the place: without workers that of the process,
    with workers through torchdata's `StatefulDataLoader`, which asks each of them.

    Args:
        dataset: from which.
        batch_size: decisions a batch.
        dealing: split, n_step, discount, seed, rank, world_size, drop_last, as of
            `TrainingDataset.batches`.

    Raises:
        MissingExtra: torch is not installed.
        LakeError: an argument cannot be honoured.
    """
    made: BatchesDataset = library(_CLASSES, "torch").BatchesDataset(dataset, batch_size, **dealing)
    return made


def map_dataset(dataset: TrainingDataset, split: str | None = None) -> DecisionsDataset:
    """Decisions by number, in step order: for samplers of one's own.

    A number gives one decision, a list or tensor of numbers a batch. A `BatchSampler` as `sampler`
    with ``batch_size=None`` gathers a batch at a time, which is many times faster than letting the
    loader put single decisions together.

    Args:
        dataset: from which.
        split: train, val or test; None: all.

    Raises:
        MissingExtra: torch is not installed.
        LakeError: there is no such split.
    """
    made: DecisionsDataset = library(_CLASSES, "torch").DecisionsDataset(dataset, split)
    return made
