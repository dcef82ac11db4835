"""PyTorch: every decision once through a `DataLoader`, however many workers it has."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="pip install 'rugs_assets[torch]' (make test-bridges)")

import torch
from torch.utils.data import BatchSampler, DataLoader, RandomSampler

from rugs_assets.lake.bridges.torch import iterable_dataset, map_dataset
from rugs_assets.lake.dataset import TrainingDataset
from rugs_assets.lake.errors import LakeError
from rugs_assets_tests.bridges.conftest import Released, expected_rows, rows_of

SPLITS = ("train", "val", "test", None)


def seen(loader: Any) -> list[bytes]:
    """The decisions of a pass over a loader."""
    return [row for batch in loader for row in rows_of(batch)]


# More workers than cores are slow, and right all the same.
@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")
@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("workers", [0, 1, 3])
def test_every_decision_once_with_any_number_of_workers(
    dataset: TrainingDataset, split: str | None, workers: int
) -> None:
    batches = iterable_dataset(dataset, 8, split=split, seed=1)
    loader = DataLoader(batches, batch_size=None, num_workers=workers)
    assert sorted(seen(loader)) == sorted(expected_rows(dataset, split))


def test_without_workers_batches_are_those_of_the_dataset(dataset: TrainingDataset) -> None:
    loader = DataLoader(iterable_dataset(dataset, 16, split="train", seed=3), batch_size=None)
    stream = dataset.batches(16, split="train", seed=3, epochs=2)
    for _ in range(2):
        for found in loader:
            own = next(stream)
            assert found.keys() == own.keys()
            for name, tensor in found.items():
                assert tensor.dtype == torch.as_tensor(own[name]).dtype
                assert tensor.numpy().tobytes() == own[name].tobytes()
    assert next(stream, None) is None


@pytest.mark.parametrize("options", [{}, {"persistent_workers": True}])
def test_the_next_pass_is_the_next_epoch(
    dataset: TrainingDataset, options: dict[str, bool]
) -> None:
    batches = iterable_dataset(dataset, 8, split="train", seed=1)
    loader = DataLoader(batches, batch_size=None, num_workers=2, **options)
    first, second, third = (seen(loader) for _ in range(3))
    assert first != second != third != first
    assert sorted(first) == sorted(second) == sorted(third)
    again = iterable_dataset(dataset, 8, split="train", seed=1)
    assert seen(DataLoader(again, batch_size=None, num_workers=2)) == first


def test_ranks_and_workers_share_the_decisions(dataset: TrainingDataset) -> None:
    rows = [
        seen(
            DataLoader(
                iterable_dataset(dataset, 8, split="train", seed=5, rank=rank, world_size=2),
                batch_size=None,
                num_workers=2,
            )
        )
        for rank in range(2)
    ]
    assert sorted(rows[0] + rows[1]) == sorted(expected_rows(dataset, "train"))
    assert abs(len(rows[0]) - len(rows[1])) <= 1


def test_a_checkpoint_resumes_at_the_same_batch(dataset: TrainingDataset) -> None:
    batches = iterable_dataset(dataset, 8, split="train", seed=1)
    loader = DataLoader(batches, batch_size=None)
    seen(loader)
    second = iter(loader)
    for _ in range(3):
        next(second)
    state = pickle.loads(pickle.dumps(batches.state_dict()))
    rest = [row for batch in second for row in rows_of(batch)]
    following = seen(loader)
    resumed = iterable_dataset(dataset, 8, split="train", seed=1)
    resumed.load_state_dict(state)
    again = DataLoader(resumed, batch_size=None)
    assert seen(again) == rest
    assert seen(again) == following
    other = iterable_dataset(dataset, 8, split="train", seed=2)
    other.load_state_dict(state)
    with pytest.raises(LakeError, match="its seed is 1"):
        iter(other)


# torchdata calls what torch has deprecated since.
@pytest.mark.filterwarnings("ignore:'set_vital' is deprecated:UserWarning")
def test_workers_are_checkpointed_by_torchdata(dataset: TrainingDataset) -> None:
    pytest.importorskip("torchdata", reason="pip install torchdata (make test-bridges)")
    from torchdata.stateful_dataloader import StatefulDataLoader

    def loader() -> Any:
        batches = iterable_dataset(dataset, 8, split="train", seed=1)
        return StatefulDataLoader(batches, batch_size=None, num_workers=2)

    first = loader()
    running = iter(first)
    for _ in range(5):
        next(running)
    state = first.state_dict()
    rest = [row for batch in running for row in rows_of(batch)]
    second = loader()
    second.load_state_dict(state)
    assert seen(second) == rest != []


@pytest.mark.parametrize("limit", [None, 0])
def test_workers_may_be_spawned(released: Released, limit: int | None) -> None:
    dataset = released.open(memory_limit=limit)
    batches = iterable_dataset(dataset, 8, split="val", seed=1)
    loader = DataLoader(batches, batch_size=None, num_workers=2, multiprocessing_context="spawn")
    assert sorted(seen(loader)) == sorted(expected_rows(dataset, "val"))


def test_a_mapped_dataset_travels_light(released: Released) -> None:
    mapped = released.open(memory_limit=0).normalised()
    sent = pickle.dumps(mapped)
    assert len(sent) < 4_000 < len(pickle.dumps(released.open()))
    assert expected_rows(pickle.loads(sent), "train") == expected_rows(mapped, "train")


def test_batches_may_be_written_to(dataset: TrainingDataset) -> None:
    before = expected_rows(dataset, None)
    for batch in DataLoader(iterable_dataset(dataset, 8), batch_size=None):
        for tensor in batch.values():
            tensor.zero_()
    assert expected_rows(dataset, None) == before


def test_returns_of_several_steps(dataset: TrainingDataset) -> None:
    batches = iterable_dataset(dataset, 512, split="train", n_step=3, discount=0.9)
    (found,) = DataLoader(batches, batch_size=None)
    (own,) = dataset.batches(512, split="train", n_step=3, discount=0.9)
    np.testing.assert_array_equal(found["discounts"], own["discounts"])
    np.testing.assert_array_equal(found["rewards"], own["rewards"])


def test_what_cannot_be_honoured_is_an_error(dataset: TrainingDataset) -> None:
    with pytest.raises(LakeError, match="no split 'dev'"):
        iterable_dataset(dataset, 8, split="dev")
    with pytest.raises(LakeError, match="no argument shuffle"):
        iterable_dataset(dataset, 8, shuffle=True)  # type: ignore[call-arg]
    with pytest.raises(LakeError, match="rank=2"):
        iterable_dataset(dataset, 8, rank=2, world_size=2)


@pytest.mark.parametrize("split", SPLITS)
def test_decisions_by_number(dataset: TrainingDataset, split: str | None) -> None:
    found, expected = map_dataset(dataset, split), expected_rows(dataset, split)
    assert len(found) == len(expected) == dataset.count(split)
    assert rows_of(found[list(range(len(found)))]) == expected
    assert rows_of(found[torch.tensor([2, 0])]) == [expected[2], expected[0]]
    single = {name: tensor[None] for name, tensor in found[-1].items()}
    assert rows_of(single) == [expected[-1]]
    for beyond in (len(expected), -len(expected) - 1):
        with pytest.raises(IndexError, match=f"{beyond} of {len(expected)}"):
            found[beyond]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_over_decisions_sees_each_once(dataset: TrainingDataset, workers: int) -> None:
    decisions, expected = map_dataset(dataset, "train"), expected_rows(dataset, "train")
    plain = DataLoader(decisions, batch_size=16, shuffle=True, num_workers=workers)
    assert sorted(seen(plain)) == sorted(expected)
    sampler = BatchSampler(RandomSampler(decisions), 16, drop_last=False)
    quick = DataLoader(decisions, sampler=sampler, batch_size=None, num_workers=workers)
    assert sorted(seen(quick)) == sorted(expected)
