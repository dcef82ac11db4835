"""The loader in the hands of careless callers: what they pass is taken as meant, or refused."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rugs_assets.domain.features import FEATURE_NAMES
from rugs_assets.lake import transitions
from rugs_assets.lake.batches import LoaderState
from rugs_assets.lake.dataset import TrainingDataset
from rugs_assets.lake.errors import LakeError
from rugs_assets.lake.releases import ReleaseRequest, Releases
from rugs_assets_tests.lake.release_store import BASIS, MONDAY, TUESDAY, make_store

BALANCE = FEATURE_NAMES.index("balance")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a release of two dates."""
    lake = make_store(tmp_path_factory.mktemp("callers") / "store")
    Releases(lake).create(ReleaseRequest("first", MONDAY, TUESDAY), BASIS)
    return Path(lake.root)


@pytest.fixture(scope="module")
def dataset(store: Path) -> TrainingDataset:
    """The release, in RAM."""
    return TrainingDataset.open(store, release="first")


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("rewards", np.zeros(64, np.int64)),  # would cut 0.7 to 0
        ("actions", np.zeros(64, np.int8)),
        ("dones", np.zeros(64, np.float64)),
        ("rewards", np.zeros((64, 64), np.float32)),  # would be filled crosswise
        ("observations", np.zeros((64, 36))),
        ("observations", np.zeros((64, 37), np.float32)),
        ("truncateds", [False] * 64),
    ],
)
def test_buffers_of_other_types_and_shapes_are_refused(
    dataset: TrainingDataset, name: str, other: Any
) -> None:
    out = dataset.sample(64, rng=np.random.default_rng(0))
    with pytest.raises(LakeError, match=f"out={name} "):
        dataset.sample(64, rng=np.random.default_rng(0), out=out | {name: other})
    with pytest.raises(LakeError, match="out=list"):
        dataset.sample(64, rng=np.random.default_rng(0), out=[out])  # type: ignore[arg-type]


def test_read_only_buffers_are_refused(dataset: TrainingDataset) -> None:
    out = dataset.sample(8, rng=np.random.default_rng(0))
    out["rewards"].setflags(write=False)
    with pytest.raises(LakeError, match="read-only"):
        dataset.sample(8, rng=np.random.default_rng(0), out=out)


def test_buffers_of_any_layout_are_filled(dataset: TrainingDataset) -> None:
    plain = dataset.sample(8, rng=np.random.default_rng(0))
    wide = np.zeros((8, 72), np.float32)
    out = {name: np.zeros_like(each) for name, each in plain.items()}
    out |= {"observations": wide[:, ::2], "next_observations": np.zeros((8, 36), np.float32, "F")}
    dataset.sample(8, rng=np.random.default_rng(0), out=out)
    for name, values in plain.items():
        np.testing.assert_array_equal(out[name], values)


def test_a_state_is_of_one_kind_of_item(dataset: TrainingDataset) -> None:
    state = dataset.sequences(4, 2, seed=1).state
    for length, stride in ((4, 1), (5, 2)):
        with pytest.raises(LakeError, match="its items is"):
            dataset.sequences(length, stride, seed=1, resume=state)
    with pytest.raises(LakeError, match="its items is"):
        dataset.batches(32, seed=1, resume=state)


def test_episodes_have_an_order_an_epoch(dataset: TrainingDataset) -> None:
    orders = [
        [each.episode_id for each in dataset.episodes(seed=1, epoch=epoch)] for epoch in (0, 1, 0)
    ]
    assert orders[0] == orders[2] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1])


def test_there_is_nothing_behind_the_last_decision(dataset: TrainingDataset) -> None:
    for sample in (len(dataset), -len(dataset) - 1):
        with pytest.raises(IndexError, match=f"sample {sample} of {len(dataset)}"):
            dataset[sample]


def test_moments_are_of_all_rows_however_they_are_cut(
    dataset: TrainingDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = np.arange(dataset.count("train"))
    whole = transitions.moments_of(dataset.steps, rows)
    for block in (1, len(rows) - 1):
        monkeypatch.setattr(transitions, "_BLOCK", block)
        assert transitions.moments_of(dataset.steps, rows) == whole


@pytest.mark.parametrize("n_step", [13, 2**40, 2**70])
def test_more_steps_than_an_episode_has_are_all_that_are_left(
    dataset: TrainingDataset, n_step: int
) -> None:
    (longest,) = dataset.batches(99, n_step=12, discount=0.9)
    (batch,) = dataset.batches(99, n_step=n_step, discount=0.9)
    for name, values in longest.items():
        np.testing.assert_array_equal(batch[name], values)


@pytest.mark.parametrize("discount", ["0.9", True, [0.9], np.array([0.9]), 1 + 0j, -0.1, 1.5])
def test_a_discount_is_a_number(dataset: TrainingDataset, discount: Any) -> None:
    with pytest.raises(LakeError, match="a number between 0 and 1"):
        dataset.batches(4, discount=discount)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"verify": "no"}, "verify='no'"),
        ({"verify": 0}, "True or False"),
        ({"release": 5}, "a name"),
        ({"dates": 5}, "dates=5"),
        ({"columns": None}, "a list of names"),
    ],
)
def test_what_cannot_be_opened_is_an_error(
    store: Path, arguments: dict[str, Any], says: str
) -> None:
    with pytest.raises(LakeError, match=says):
        TrainingDataset.open(store, **{"release": "first"} | arguments)


def test_columns_may_come_from_an_iterator(store: Path) -> None:
    opened = TrainingDataset.open(store, release="first", columns=iter(["step"]), memory_limit=0)
    for each in (opened, pickle.loads(pickle.dumps(opened))):
        assert "step" in next(each.batches(4))


def test_the_state_of_numpys_numbers_is_json(dataset: TrainingDataset) -> None:
    numbers = {"rank": np.int64(1), "world_size": np.int64(2)}
    state = dataset.batches(4, worker=np.int8(0), workers=np.int8(1), **numbers).state  # type: ignore[arg-type]
    said = json.loads(json.dumps(state.to_dict()))
    assert LoaderState.from_dict(said) == dataset.batches(4, rank=1, world_size=2).state


def test_a_place_behind_the_last_epoch_is_none(dataset: TrainingDataset) -> None:
    stream = dataset.batches(4, epochs=2)
    for _ in range(len(stream) + 1):
        next(stream)
    assert (stream.state.epoch, stream.state.position) == (1, 4)
    with pytest.raises(LakeError, match="no such place"):
        dataset.batches(4, epochs=1, resume=stream.state)
    end = LoaderState.from_dict(stream.state.to_dict() | {"position": 0})
    assert list(dataset.batches(4, epochs=1, resume=end)) == []
    nothing: list[Any] = [None, [], "state"]
    for said in nothing:
        with pytest.raises(LakeError, match="not the state of a loader"):
            LoaderState.from_dict(said)


def test_copies_are_read_only_too(dataset: TrainingDataset) -> None:
    next(dataset.batches(4))
    for made in (pickle.loads(pickle.dumps(dataset)), copy.deepcopy(dataset)):
        for array in (made[0][0], next(made.episodes()).observations):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 7
        np.testing.assert_array_equal(
            next(made.batches(9))["next_observations"],
            next(dataset.batches(9))["next_observations"],
        )


def test_dates_are_normalised_by_themselves(store: Path, dataset: TrainingDataset) -> None:
    monday = TrainingDataset.open(store, release="first", dates=MONDAY)
    (train,) = monday.normalised().batches(99, split="train")
    assert monday.normalisation["rows"] == monday.count("train") < dataset.count("train")
    assert train["observations"][:, BALANCE].mean() == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("limit", [None, 0])
def test_other_rows_are_normalised_as_those_of_the_training(
    store: Path, dataset: TrainingDataset, limit: int | None
) -> None:
    tuesday = TrainingDataset.open(store, release="first", dates=TUESDAY, memory_limit=limit)
    made = tuesday.normalised(dataset.normalisation)
    (whole,) = dataset.normalised().batches(99)
    for each in (made, pickle.loads(pickle.dumps(made))):
        (found,) = each.batches(99)
        np.testing.assert_array_equal(found["observations"], whole["observations"][-len(tuesday) :])
    for by in ({}, {"rows": 1, "mean": 0, "std": 1}, dataset):
        with pytest.raises(LakeError, match="normalisation"):
            tuesday.normalised(by)  # type: ignore[arg-type]


def test_a_mapped_dataset_finds_its_cache_from_any_folder(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    sent = pickle.dumps(TrainingDataset.open(store, release="first", memory_limit=0, cache="cache"))
    monkeypatch.chdir(tmp_path / "there")
    assert pickle.loads(sent).steps.is_mapped
    assert list((tmp_path / "there").iterdir()) == []


def test_the_cache_of_other_rows_is_not_taken_for_it(store: Path, tmp_path: Path) -> None:
    days = (MONDAY, TUESDAY)
    for day in days:
        TrainingDataset.open(store, release="first", dates=day, memory_limit=0, cache=tmp_path)
    one, other = sorted(path for path in tmp_path.iterdir() if path.is_dir())
    one.rename(tmp_path / "kept")
    other.rename(one)
    (tmp_path / "kept").rename(other)
    for day in days:
        mapped = TrainingDataset.open(
            store, release="first", dates=day, memory_limit=0, cache=tmp_path
        )
        plain = TrainingDataset.open(store, release="first", dates=day)
        np.testing.assert_array_equal(
            next(mapped.batches(99))["observations"], next(plain.batches(99))["observations"]
        )
