"""HuggingFace `datasets`: a release as a `DatasetDict` of its splits, one row a decision.

In: an open dataset. Out: ``observation`` and ``next_observation`` (36 float32), ``action``,
``reward``, ``done``, ``truncated``, ``episode_id``, ``step``. Needs the extra `datasets`.
"""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from rugs_assets.domain.features import FEATURE_COUNT
from rugs_assets.lake.bridges.arrays import decisions_of, passport_of
from rugs_assets.lake.bridges.extras import library
from rugs_assets.lake.dataset import TrainingDataset
from rugs_assets.lake.episode_index import SPLIT_NAMES


def dataset_dict(dataset: TrainingDataset) -> Any:
    """Every split that holds a decision, under its name.

    Returns:
        A `datasets.DatasetDict`; the description of each split says, as JSON, of which release it
        is made.

    Raises:
        MissingExtra: datasets is not installed.
    """
    made = library("datasets", "datasets")
    held = [split for split in SPLIT_NAMES if dataset.count(split)]
    return made.DatasetDict({split: one_split(dataset, split) for split in held})


def one_split(dataset: TrainingDataset, split: str | None) -> Any:
    """The decisions of a split (None: of all), in step order, as a `datasets.Dataset`.

    Raises:
        MissingExtra: datasets is not installed.
        LakeError: there is no such split, or nothing in it.
    """
    made = library("datasets", "datasets")
    info = made.DatasetInfo(description=json.dumps(passport_of(dataset, split)))
    return made.Dataset(
        made.table.InMemoryTable(_table(dataset, split)),
        info=info,
        split=made.NamedSplit(split or "all"),
    )


def _table(dataset: TrainingDataset, split: str | None) -> pa.Table:
    found = decisions_of(dataset, split)
    batch = found.batch
    observations, following = (
        pa.FixedSizeListArray.from_arrays(pa.array(batch[name].reshape(-1)), FEATURE_COUNT)
        for name in ("observations", "next_observations")
    )
    return pa.table(
        {
            "observation": observations,
            "action": pa.array(batch["actions"]),
            "reward": pa.array(batch["rewards"]),
            "next_observation": following,
            "done": pa.array(batch["dones"]),
            "truncated": pa.array(batch["truncateds"]),
            "episode_id": pa.array(found.ids.tolist(), pa.string()),
            "step": pa.array(found.step),
        }
    )
