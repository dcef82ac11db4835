"""Minari: a release as a Minari dataset, one episode a game, with the row it ended on.

In: an open dataset. Out: a dataset in Minari's own folder. Invariants: observations are T + 1, the
last one being what the last decision led to; a game that rugged is terminated, one whose capture
ended is truncated; the metadata says of which release it is made. Needs the extra `minari`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from rugs_assets.lake.bridges.arrays import passport_of, title_of
from rugs_assets.lake.bridges.extras import library
from rugs_assets.lake.bridges.spaces import action_space, observation_space
from rugs_assets.lake.dataset import TrainingDataset
from rugs_assets.lake.errors import LakeError

PREFIX = "rugs_"
"""Of the names in the metadata that are ours: release, checksum, split, normalised, made_from; and
episode_id in that of each episode."""


def create_dataset(
    dataset: TrainingDataset,
    dataset_id: str,
    split: str | None = "train",
    *,
    data_format: str = "arrow",
    **said: Any,
) -> Any:
    """Write the episodes of a split where Minari keeps its datasets (MINARI_DATASETS_PATH).

    Args:
        dataset: from which.
        dataset_id: Minari's name for it, such as ``rugs/spring-v0``.
        split: train, val or test; None: all.
        data_format: of Minari: ``arrow`` needs nothing more, ``hdf5`` needs h5py.
        said: more for `minari.create_dataset_from_buffers`: author, code_permalink and so on.

    Returns:
        A `minari.MinariDataset`.

    Raises:
        MissingExtra: minari is not installed.
        LakeError: there is no such split, or nothing in it.
    """
    minari = library("minari", "minari")
    buffer = library("minari.data_collector", "minari").EpisodeBuffer
    episodes = [buffer(**each) for each in _episodes(dataset, split)]
    if not episodes:
        raise LakeError(f"{title_of(dataset)}: no episode in {split or 'any split'}")
    passport = passport_of(dataset, split)
    words = f"{passport['made_from']}, {passport['split']}, checksum {passport['checksum']}"
    with warnings.catch_warnings():
        # Minari warns of every field that the caller leaves open: nothing of it is ours to say.
        for message in ("`.*` is set to None", "env_spec is None"):
            warnings.filterwarnings("ignore", message, UserWarning)
        made = minari.create_dataset_from_buffers(
            dataset_id,
            episodes,
            observation_space=observation_space(_extremes(episodes)),
            action_space=action_space(),
            data_format=data_format,
            **{"description": f"Steps of rugs.fun games: {words}", **said},
        )
    games = [{f"{PREFIX}episode_id": each.episode_id} for each in dataset.episodes(split=split)]
    made.storage.update_episode_metadata(games)
    made.storage.update_metadata({PREFIX + name: value for name, value in passport.items()})
    return made


def _extremes(episodes: list[Any]) -> Any:
    """The least and the greatest value of each feature over all episodes, float32 (2, 36)."""
    low = np.min([each.observations.min(axis=0) for each in episodes], axis=0)
    high = np.max([each.observations.max(axis=0) for each in episodes], axis=0)
    return np.stack([low, high])


def _episodes(dataset: TrainingDataset, split: str | None) -> Iterator[dict[str, Any]]:
    for number, each in enumerate(dataset.episodes(split=split)):
        yield {
            "id": number,
            "observations": np.concatenate((each.observations, each.next_observations[-1:])),
            "actions": each.actions.astype(np.int64),
            "rewards": each.rewards.astype(np.float64),
            "terminations": each.dones,
            "truncations": each.truncateds,
        }
