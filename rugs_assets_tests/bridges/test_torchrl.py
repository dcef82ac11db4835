"""TorchRL: transitions with what follows below ``next``, in RAM and mapped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torchrl", reason="pip install 'rugs_assets[torchrl]' (make test-bridges)")

import torch
from torchrl.data import SamplerWithoutReplacement, SliceSampler

from rugs_assets.lake.bridges.torchrl import replay_buffer, tensordict
from rugs_assets.lake.dataset import TrainingDataset
from rugs_assets.lake.errors import LakeError
from rugs_assets_tests.bridges.conftest import expected_rows, rows_of

SPLITS = ("train", "val", "test", None)


def as_batch(found: Any) -> dict[str, Any]:
    """A TensorDict with the names of the loader."""
    return {
        "observations": found["observation"],
        "actions": found["action"],
        "rewards": found["next", "reward"][:, 0],
        "next_observations": found["next", "observation"],
        "dones": found["next", "terminated"][:, 0],
        "truncateds": found["next", "truncated"][:, 0],
    }


@pytest.mark.parametrize("split", SPLITS)
def test_every_transition_once_in_step_order(dataset: TrainingDataset, split: str | None) -> None:
    found = tensordict(dataset, split)
    assert found.batch_size == torch.Size([dataset.count(split)])
    assert rows_of(as_batch(found)) == expected_rows(dataset, split)
    ended = found["next", "terminated"] | found["next", "truncated"]
    assert torch.equal(found["next", "done"], ended)
    lengths = [len(each) for each in dataset.episodes(split=split)]
    assert torch.bincount(found["episode"]).tolist() == lengths


@pytest.mark.parametrize("mapped", [False, True])
def test_a_buffer_hands_out_each_transition_once_an_epoch(
    dataset: TrainingDataset, tmp_path: Path, mapped: bool
) -> None:
    buffer = replay_buffer(
        dataset,
        "train",
        folder=tmp_path / "map" if mapped else None,
        batch_size=16,
        sampler=SamplerWithoutReplacement(),
    )
    assert len(buffer) == dataset.count("train")
    assert any(tmp_path.rglob("*.memmap")) == mapped
    rows = [row for batch in buffer for row in rows_of(as_batch(batch))]
    assert sorted(rows) == sorted(expected_rows(dataset, "train"))


def test_slices_stay_within_their_episode(dataset: TrainingDataset) -> None:
    sampler = SliceSampler(slice_len=2, traj_key="episode", strict_length=True)
    buffer = replay_buffer(dataset, "train", batch_size=64, sampler=sampler)
    sample = buffer.sample().reshape(-1, 2)
    assert torch.equal(sample["episode"][:, 0], sample["episode"][:, 1])
    assert torch.equal(sample["next", "observation"][:, 0], sample["observation"][:, 1])


def test_an_unknown_split_is_an_error(dataset: TrainingDataset) -> None:
    with pytest.raises(LakeError, match="no split 'dev'"):
        tensordict(dataset, "dev")
