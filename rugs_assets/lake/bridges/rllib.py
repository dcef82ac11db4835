"""RLlib: Ray Data that reads the shards of a release, in RLlib's columns, a task a capture date.

In: the store and the name of a release. Out: a `ray.data.Dataset` of ``eps_id``, ``t``, ``obs``,
``actions``, ``rewards``, ``new_obs``, ``terminateds``, ``truncateds``, one row a decision; or an
algorithm's configuration that trains on it. Invariants: every decision once, whatever the number
of tasks; each task checks what it reads against the checksums of the release. Needs the extra
`rllib`. The store must be reachable from every worker by the same name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rugs_assets.lake.bridges.arrays import decisions_of
from rugs_assets.lake.bridges.extras import library
from rugs_assets.lake.bridges.spaces import action_space, observation_space
from rugs_assets.lake.dataset import TrainingDataset
from rugs_assets.lake.releases import Releases
from rugs_assets.lake.tables import Lake

Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class DateReader:
    """Reads the decisions of one capture date of a release: what a task of Ray does.

    Attributes:
        store: folder or URL of the store.
        release: name of the release.
        split: train, val or test; None: all.
        normalised: with observations normalised by the train split of the whole release.
    """

    store: str
    release: str
    split: str | None = None
    normalised: bool = False

    def __call__(self, batch: Columns) -> Columns:
        """The decisions of the dates under ``item``, ISO texts: one at a time."""
        days = [date.fromisoformat(str(day)) for day in batch["item"]]
        dataset = TrainingDataset.open(self.store, release=self.release, dates=days)
        if self.normalised:
            whole = Releases(Lake(self.store)).manifest(self.release)
            dataset = dataset.normalised(whole.content["normalisation"])
        if not dataset.count(self.split):
            return _no_decision()
        found = decisions_of(dataset, self.split)
        return {
            "eps_id": found.ids,
            "t": found.step,
            "obs": found.batch["observations"],
            "actions": found.batch["actions"],
            "rewards": found.batch["rewards"],
            "new_obs": found.batch["next_observations"],
            "terminateds": found.batch["dones"],
            "truncateds": found.batch["truncateds"],
        }


def dates_of(store: str | Path, release: str) -> list[str]:
    """The capture dates of a release as ISO texts: what Ray Data is made of.

    Raises:
        LakeError: there is no such release, or its manifest is damaged.
    """
    return [day.isoformat() for day in Releases(Lake(store)).manifest(release).dates]


def ray_dataset(
    store: str | Path, release: str, split: str | None = "train", *, normalised: bool = False
) -> Any:
    """A lazy `ray.data.Dataset` of the decisions, one task a capture date.

    Args:
        store: folder or URL of the store.
        release: name of the release.
        split: train, val or test; None: all.
        normalised: normalise the observations (see `TrainingDataset.normalised`).

    Raises:
        MissingExtra: ray is not installed.
        LakeError: there is no such release, or its manifest is damaged.
    """
    data, days = library("ray.data", "rllib"), dates_of(store, release)
    reader = DateReader(str(store), release, split, normalised)
    return data.from_items(days, override_num_blocks=len(days)).map_batches(reader, batch_size=1)


def offline_data(
    config: Any,
    store: str | Path,
    release: str,
    split: str | None = "train",
    *,
    normalised: bool = False,
    **options: Any,
) -> Any:
    """Let an algorithm train on a release.

    Args:
        config: of the algorithm, such as `ray.rllib.algorithms.bc.BCConfig()`; of RLlib's new API
            stack.
        store: folder or URL of the store.
        release: name of the release.
        split: train, val or test; None: all.
        normalised: normalise the observations.
        options: more for `config.offline_data`.

    Returns:
        The configuration, with spaces and offline data set.

    Raises:
        MissingExtra: ray is not installed.
        LakeError: there is no such release, or its manifest is damaged.
    """
    classes = library("rugs_assets.lake.bridges.rllib_data", "rllib")
    reader = DateReader(str(store), release, split, normalised)
    config.environment(observation_space=observation_space(), action_space=action_space())
    days = dates_of(store, release)
    config.offline_data(
        input_=days,
        input_read_method="from_items",
        input_read_method_kwargs={"override_num_blocks": len(days)},
        offline_data_class=classes.ReleaseData,
        **options,
    )
    config.learner_config_dict = {**config.learner_config_dict, classes.READER: reader}
    return config


def _no_decision() -> Columns:
    rows = np.zeros((0, len(observation_space().low)), np.float32)
    flags = np.zeros(0, np.bool_)
    return {
        "eps_id": np.zeros(0, np.str_),
        "t": np.zeros(0, np.int64),
        "obs": rows,
        "actions": np.zeros(0, np.int64),
        "rewards": np.zeros(0, np.float32),
        "new_obs": rows,
        "terminateds": flags,
        "truncateds": flags,
    }
