"""Minari: episodes of T + 1 observations with the right ends, spaces and passport."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("minari", reason="pip install 'rugs_assets[minari]'")

import gymnasium
import minari

from rugs_assets.lake.bridges.minari import create_dataset
from rugs_assets.lake.dataset import TrainingDataset
from rugs_assets.lake.errors import LakeError
from rugs_assets_tests.bridges.conftest import Released


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path / "minari"))


def assert_same(found: Any, dataset: TrainingDataset, split: str | None) -> None:
    """Every episode, in order, bit for bit."""
    own = list(dataset.episodes(split=split))
    assert found.total_episodes == len(own)
    assert found.total_steps == dataset.count(split)
    told = [each["rugs_episode_id"] for each in found.storage.get_episode_metadata(range(len(own)))]
    assert told == [game.episode_id for game in own]
    for episode, game in zip(found.iterate_episodes(), own, strict=True):
        observations = np.concatenate((game.observations, game.next_observations[-1:]))
        assert episode.observations.shape == (len(game) + 1, 36)
        assert episode.observations.dtype == np.float32
        assert episode.observations.tobytes() == observations.tobytes()
        assert episode.actions.tolist() == game.actions.tolist()
        assert np.asarray(episode.rewards, np.float32).tobytes() == game.rewards.tobytes()
        assert episode.terminations.tolist() == game.dones.tolist()
        assert episode.truncations.tolist() == game.truncateds.tolist()


@pytest.mark.parametrize("split", ["train", "val", "test", None])
def test_every_episode_of_a_split(dataset: TrainingDataset, split: str | None) -> None:
    create_dataset(dataset, "rugs/spring-v0", split)
    assert_same(minari.load_dataset("rugs/spring-v0"), dataset, split)


def test_hdf5_where_it_is_installed(dataset: TrainingDataset) -> None:
    pytest.importorskip("h5py", reason="pip install h5py (make test-bridges)")
    create_dataset(dataset, "rugs/spring-v0", "val", data_format="hdf5")
    assert_same(minari.load_dataset("rugs/spring-v0"), dataset, "val")


def test_spaces_hold_every_row(dataset: TrainingDataset) -> None:
    found = create_dataset(dataset, "rugs/spring-v0", None)
    assert found.action_space == gymnasium.spaces.Discrete(4)
    for episode in found.iterate_episodes():
        assert all(row in found.observation_space for row in episode.observations)
        assert all(action in found.action_space for action in episode.actions)


def test_the_metadata_names_the_release(released: Released) -> None:
    create_dataset(released.open().normalised(), "rugs/spring-v0", "train", author="us")
    said = minari.load_dataset("rugs/spring-v0").storage.metadata
    assert said["rugs_release"] == released.name
    assert said["rugs_checksum"] == released.checksum
    assert said["rugs_split"] == "train"
    assert said["rugs_normalised"] is True
    assert released.checksum in said["description"]
    assert {"us"} == set(said["author"]) or said["author"] == "us"


def test_what_cannot_be_honoured_is_an_error(dataset: TrainingDataset) -> None:
    with pytest.raises(LakeError, match="no split 'dev'"):
        create_dataset(dataset, "rugs/spring-v0", "dev")
