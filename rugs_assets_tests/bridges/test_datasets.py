"""HuggingFace `datasets`: the splits with their decisions, kept through the disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("datasets", reason="pip install 'rugs_assets[datasets]' (make test-bridges)")

import datasets

from rugs_assets.lake.bridges.datasets import dataset_dict, one_split
from rugs_assets.lake.dataset import TrainingDataset
from rugs_assets_tests.bridges.conftest import Released, expected_rows, games_of, rows_of


def as_batch(found: Any) -> dict[str, Any]:
    """A dataset with the names of the loader."""
    rows = found.with_format("numpy")[:]
    return {
        "observations": rows["observation"],
        "actions": rows["action"],
        "rewards": rows["reward"],
        "next_observations": rows["next_observation"],
        "dones": rows["done"],
        "truncateds": rows["truncated"],
    }


def test_every_decision_of_every_split(dataset: TrainingDataset) -> None:
    made = dataset_dict(dataset)
    assert isinstance(made, datasets.DatasetDict)
    assert list(made) == ["train", "val", "test"]
    for split, found in made.items():
        assert found.split == split
        assert rows_of(as_batch(found)) == expected_rows(dataset, split)
        games = games_of(dataset, split)
        assert found["episode_id"][:] == games
    assert len(one_split(dataset, None)) == len(dataset)


def test_features_keep_their_types(dataset: TrainingDataset) -> None:
    features = one_split(dataset, "train").features
    assert features["observation"].length == features["next_observation"].length == 36
    assert features["observation"].feature == datasets.Value("float32")
    assert features["action"] == datasets.Value("int64")
    assert features["done"] == features["truncated"] == datasets.Value("bool")


def test_it_survives_the_disk_with_its_passport(released: Released, tmp_path: Path) -> None:
    made = dataset_dict(released.open())
    made.save_to_disk(tmp_path / "out")
    found = datasets.load_from_disk(tmp_path / "out")
    assert rows_of(as_batch(found["val"])) == expected_rows(released.open(), "val")
    passport = json.loads(found["val"].info.description)
    assert (passport["release"], passport["checksum"]) == (released.name, released.checksum)


def test_torch_reads_it(dataset: TrainingDataset) -> None:
    torch = pytest.importorskip("torch", reason="pip install 'rugs_assets[torch]'")
    batch = one_split(dataset, "train").with_format("torch")[:4]
    assert batch["observation"].shape == (4, 36)
    assert batch["observation"].dtype == torch.float32
    (own,) = dataset.batches(dataset.count("train"), split="train")
    np.testing.assert_array_equal(batch["observation"], own["observations"][:4])
