"""The loader: every sample once, in an order that can be cited, with the observation it led to."""

from __future__ import annotations

import json
import pickle
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rugs_assets.domain.features import FEATURE_NAMES
from rugs_assets.domain.shards import split_of
from rugs_assets.lake.batches import Batch, LoaderState
from rugs_assets.lake.catalog import TRAINING_SHARDS
from rugs_assets.lake.dataset import TrainingDataset
from rugs_assets.lake.errors import LakeError
from rugs_assets.lake.releases import ReleaseRequest, Releases
from rugs_assets.lake.steps import EXTRAS
from rugs_assets_tests.lake.release_store import BASIS, GAMES, MONDAY, TUESDAY, make_store

DECISIONS = 2 * sum(game.decisions for game in GAMES)
FAST = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
TICK, BALANCE = FEATURE_NAMES.index("tick"), FEATURE_NAMES.index("balance")
Sample = tuple[float, float]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a release of two dates."""
    lake = make_store(tmp_path_factory.mktemp("loader") / "store")
    Releases(lake).create(ReleaseRequest("first", MONDAY, TUESDAY), BASIS)
    return Path(lake.root)


@pytest.fixture(scope="module")
def dataset(store: Path) -> TrainingDataset:
    """The release with all columns, in RAM."""
    return TrainingDataset.open(store, release="first", columns=EXTRAS)


@pytest.fixture(scope="module", params=["RAM", "map", "version"])
def opened(request: pytest.FixtureRequest, store: Path) -> TrainingDataset:
    """The same rows, opened in each way."""
    if request.param == "version":
        return TrainingDataset.open(store, version="latest", columns=EXTRAS)
    limit = 0 if request.param == "map" else None
    return TrainingDataset.open(store, release="first", columns=EXTRAS, memory_limit=limit)


def samples_in(batches: Sequence[Batch]) -> list[Sample]:
    """(game and date, tick) of each sample, in the order of the batches."""
    rows = [row for batch in batches for row in batch["observations"]]
    return [(float(row[BALANCE]), float(row[TICK])) for row in rows]


def in_step_order() -> list[Sample]:
    """The same for all decisions in the order of play."""
    return [
        (float(game.number + 100 * day.day), float(frame))
        for day in (MONDAY, TUESDAY)
        for game in GAMES
        for frame in range(game.decisions)
    ]


def test_every_way_of_opening_gives_the_same(
    opened: TrainingDataset, dataset: TrainingDataset
) -> None:
    assert len(opened) == len(dataset) == DECISIONS
    for one, other in zip(opened.batches(7, seed=3), dataset.batches(7, seed=3), strict=True):
        assert one.keys() == other.keys()
        for name, values in one.items():
            np.testing.assert_array_equal(values, other[name])


def test_a_sample_is_the_decision_and_what_it_led_to(dataset: TrainingDataset) -> None:
    for at, (game, tick) in enumerate(in_step_order()):
        observation, action, reward, after, done = dataset[at]
        number = int(game) % 100
        decisions = next(each.decisions for each in GAMES if each.number == number)
        assert (observation[BALANCE], observation[TICK]) == (game, tick)
        assert (after[BALANCE], after[TICK]) == (game, tick + 1)
        assert action == tick % 4
        assert reward == np.float32(tick + number / 10)
        assert done == (tick == decisions - 1 and number != 3)
    assert dataset[-1][0][TICK] == GAMES[-1].decisions - 1
    for outside in (DECISIONS, -DECISIONS - 1):
        with pytest.raises(IndexError):
            dataset[outside]


def test_batches_have_the_names_of_the_plan(dataset: TrainingDataset) -> None:
    batch = next(dataset.batches(32))
    shapes = {name: (values.shape, str(values.dtype)) for name, values in batch.items()}
    assert shapes == {
        "observations": ((32, 36), "float32"),
        "actions": ((32,), "int64"),
        "rewards": ((32,), "float32"),
        "next_observations": ((32, 36), "float32"),
        "dones": ((32,), "bool"),
        "truncateds": ((32,), "bool"),
        "step": ((32,), "int32"),
        "frame": ((32,), "int32"),
        "adjust": ((32,), "int8"),
        "order_amount": ((32,), "float32"),
        "sell_fraction": ((32,), "float32"),
        "has_player": ((32,), "bool"),
        "tick_delta": ((32,), "int32"),
        "observed": ((32,), "int64"),
    }
    assert all(values.flags.c_contiguous for values in batch.values())
    np.testing.assert_array_equal(batch["step"], batch["observations"][:, TICK])
    np.testing.assert_array_equal(batch["frame"], batch["step"])
    np.testing.assert_array_equal(np.isnan(batch["order_amount"]), batch["actions"] != 1)


def test_unshuffled_batches_come_in_step_order(opened: TrainingDataset) -> None:
    assert samples_in(list(opened.batches(5))) == in_step_order()


DEALING = {
    "batch_size": st.integers(1, 40),
    "seed": st.none() | st.integers(0, 2**40),
    "world_size": st.integers(1, 5),
    "workers": st.integers(1, 3),
}


@FAST
@given(**DEALING, split=st.sampled_from([None, "train", "val", "test"]))
def test_ranks_and_workers_share_every_sample_once(
    dataset: TrainingDataset,
    batch_size: int,
    seed: int | None,
    world_size: int,
    workers: int,
    split: str | None,
) -> None:
    shared: dict[str, Any] = {"split": split, "seed": seed}
    shared |= {"world_size": world_size, "workers": workers}
    dealt = [
        samples_in(list(dataset.batches(batch_size, rank=rank, worker=worker, **shared)))
        for rank in range(world_size)
        for worker in range(workers)
    ]
    together = [sample for part in dealt for sample in part]
    expected = samples_in(list(dataset.batches(1_000, split=split)))
    if seed is None:
        assert together == expected
    assert sorted(together) == sorted(expected)
    assert len({*together}) == dataset.count(split)
    assert max(map(len, dealt)) - min(map(len, dealt)) <= 1


@FAST
@given(**DEALING)
def test_with_drop_last_all_ranks_yield_equally_many_full_batches(
    dataset: TrainingDataset, batch_size: int, seed: int | None, world_size: int, workers: int
) -> None:
    streams = [
        dataset.batches(
            batch_size, seed=seed, drop_last=True, rank=rank, world_size=world_size, workers=workers
        )
        for rank in range(world_size)
    ]
    batches = [list(stream) for stream in streams]
    assert {len(each) for each in batches} == {DECISIONS // (world_size * workers) // batch_size}
    assert all(len(batch["actions"]) == batch_size for each in batches for batch in each)
    together = [sample for each in batches for sample in samples_in(each)]
    assert len(together) == len({*together})


@FAST
@given(**DEALING, epochs=st.integers(1, 3), stop=st.integers(0, 60), reuse=st.booleans())
def test_a_stream_resumes_at_the_same_sample(
    dataset: TrainingDataset,
    batch_size: int,
    seed: int | None,
    world_size: int,
    workers: int,
    epochs: int,
    stop: int,
    reuse: bool,
) -> None:
    dealing: dict[str, Any] = {
        "seed": seed, "epochs": epochs, "rank": world_size - 1, "world_size": world_size,
        "worker": workers - 1, "workers": workers,
    }  # fmt: skip
    whole = samples_in(list(dataset.batches(batch_size, **dealing)))
    stream = dataset.batches(batch_size, reuse=reuse, **dealing)
    before = [sample for batch in islice(stream, stop) for sample in samples_in([batch])]
    state = pickle.loads(pickle.dumps(stream.state))
    assert LoaderState.from_dict(json.loads(json.dumps(state.to_dict()))) == state
    after = samples_in(list(dataset.batches(batch_size, resume=state, **dealing)))
    assert before + after == whole


def test_a_state_is_small_and_of_one_stream_alone(dataset: TrainingDataset) -> None:
    stream = dataset.batches(8, split="train", seed=1)
    next(stream)
    assert len(pickle.dumps(stream.state)) < 400
    for other in (
        {"seed": 2},
        {"seed": None},
        {"seed": 1, "world_size": 2},
        {"seed": 1, "split": "val"},
        {"seed": 1, "n_step": 2, "discount": 0.9},
    ):
        with pytest.raises(LakeError, match="cannot be resumed here"):
            dataset.batches(8, **{"split": "train", **other}, resume=stream.state)  # type: ignore[arg-type]
    with pytest.raises(LakeError, match="cannot be resumed here"):
        dataset.sequences(4, split="train", seed=1, resume=stream.state)


def test_the_order_depends_on_seed_and_epoch_alone(dataset: TrainingDataset) -> None:
    def order(**dealing: Any) -> list[Sample]:
        return samples_in(list(dataset.batches(1_000, **dealing)))

    np.random.seed(0)  # the global generator must not matter
    first = order(seed=1)
    assert order(seed=1) == first
    assert order(seed=2) != first
    assert order(seed=None) == in_step_order()
    epochs = order(seed=1, epochs=3)
    assert epochs[:DECISIONS] == first
    assert sorted(epochs[DECISIONS : 2 * DECISIONS]) == sorted(first)
    assert epochs[DECISIONS : 2 * DECISIONS] not in (first, epochs[2 * DECISIONS :])


def test_decisions_can_be_named(dataset: TrainingDataset) -> None:
    wanted = np.array([5, 0, 5, DECISIONS - 1])
    batch = dataset.batch(wanted)
    assert samples_in([batch]) == [in_step_order()[at] for at in wanted.tolist()]
    assert [row[TICK] for row, *_ in dataset] == [tick for _, tick in in_step_order()]
    for outside in (-1, DECISIONS):
        with pytest.raises(IndexError):
            dataset.batch(np.array([outside]))


def test_splits_are_those_of_the_games(dataset: TrainingDataset) -> None:
    for split in ("train", "val", "test"):
        expected = sum(
            game.decisions
            for day in (MONDAY, TUESDAY)
            for game in GAMES
            if split_of(game.episode_id(day)) == split
        )
        assert dataset.count(split) == expected
        assert {episode.split for episode in dataset.episodes(split=split)} <= {split}


def test_batches_are_the_callers_own_unless_reused(dataset: TrainingDataset) -> None:
    kept = list(dataset.batches(4, seed=1))
    again = list(dataset.batches(4, seed=1))
    kept[0]["observations"][...] = 7
    assert (again[0]["observations"] != 7).any()
    assert (dataset[0][0] != 7).any()
    first, second = islice(dataset.batches(4, reuse=True, epochs=None), 2000, 2002)
    assert np.shares_memory(first["observations"].base, second["observations"].base)
    with pytest.raises(ValueError, match="read-only"):
        dataset[0][0][0] = 7
    with pytest.raises(ValueError, match="read-only"):
        next(dataset.episodes()).rewards[0] = 7


def test_sampling_draws_each_decision_equally_often(dataset: TrainingDataset) -> None:
    rng = np.random.default_rng(5)
    batch = dataset.sample(100 * DECISIONS, rng=rng)
    drawn, counts = np.unique(samples_in([batch]), axis=0, return_counts=True)
    assert len(drawn) == DECISIONS
    assert ((counts - 100) ** 2 / 100).sum() < DECISIONS + 5 * np.sqrt(2 * DECISIONS)
    again = dataset.sample(100 * DECISIONS, rng=np.random.default_rng(5), out=batch)
    assert again is batch
    np.testing.assert_array_equal(
        dataset.sample(9, rng=np.random.default_rng(1))["rewards"],
        dataset.sample(9, rng=np.random.default_rng(1))["rewards"],
    )


@pytest.mark.parametrize(
    ("n_step", "discount"), [(1, 0.5), (2, 0.9), (3, 1.0), (5, 0.0), (40, 0.99)]
)
def test_n_step_returns_are_those_of_a_loop(
    dataset: TrainingDataset, n_step: int, discount: float
) -> None:
    (batch,) = dataset.batches(1_000, n_step=n_step, discount=discount)
    at = 0
    for day in (MONDAY, TUESDAY):
        for game in GAMES:
            rewards = [np.float64(np.float32(f + game.number / 10)) for f in range(game.decisions)]
            for frame in range(game.decisions):
                taken = rewards[frame : frame + n_step]
                value = sum(discount**k * reward for k, reward in enumerate(taken))
                assert batch["rewards"][at] == pytest.approx(value)
                assert batch["discounts"][at] == pytest.approx(discount ** len(taken))
                ahead = batch["next_observations"][at]
                expected = (game.number + 100 * day.day, frame + len(taken))
                assert (ahead[BALANCE], ahead[TICK]) == expected
                ends = frame + len(taken) == game.decisions
                assert bool(batch["dones"][at]) == (ends and game.rugs)
                assert bool(batch["truncateds"][at]) == (ends and not game.rugs)
                at += 1


@FAST
@given(length=st.integers(1, 15), stride=st.integers(1, 15), seed=st.none() | st.integers(0, 9))
def test_windows_stay_in_their_episode_and_miss_nothing(
    dataset: TrainingDataset, length: int, stride: int, seed: int | None
) -> None:
    batches = list(dataset.sequences(length, stride, batch_size=3, seed=seed))
    seen: set[Sample] = set()
    for batch in batches:
        assert batch["observations"].shape[1:] == (length, 36)
        for row in range(len(batch["masks"])):
            mask = batch["masks"][row]
            real = int(mask.sum())
            assert mask.tolist() == [True] * real + [False] * (length - real)
            steps = batch["observations"][row]
            assert len({*steps[:real, BALANCE].tolist()}) == 1
            assert np.diff(steps[:real, TICK]).tolist() == [1.0] * (real - 1)
            np.testing.assert_array_equal(
                batch["next_observations"][row, :real, TICK], steps[:real, TICK] + 1
            )
            for name, values in batch.items():
                assert not values[row, real:].any(), name
            seen |= {(float(s[BALANCE]), float(s[TICK])) for s in steps[:real]}
    if stride <= length:
        assert seen == set(in_step_order())


def test_windows_are_dealt_like_batches(dataset: TrainingDataset) -> None:
    whole = list(dataset.sequences(4, 2, batch_size=5, seed=1, epochs=2))
    stream = dataset.sequences(4, 2, batch_size=5, seed=1, epochs=2)
    for _ in range(3):
        next(stream)
    rest = list(dataset.sequences(4, 2, batch_size=5, seed=1, epochs=2, resume=stream.state))
    for one, other in zip(whole[3:], rest, strict=True):
        np.testing.assert_array_equal(one["observations"], other["observations"])


def test_episodes_are_whole_and_each_comes_once(opened: TrainingDataset) -> None:
    found = list(opened.episodes())
    expected = [(game, day) for day in (MONDAY, TUESDAY) for game in GAMES]
    assert [(each.episode_id, each.capture_date) for each in found] == [
        (game.episode_id(day), day) for game, day in expected
    ]
    for (game, _), episode in zip(expected, found, strict=True):
        assert len(episode) == game.decisions
        assert episode.observations[:, TICK].tolist() == list(range(game.decisions))
        assert episode.next_observations[:, TICK].tolist() == list(range(1, game.decisions + 1))
        assert (episode.dones[-1], episode.truncateds[-1]) == (game.rugs, not game.rugs)
        assert not (episode.dones | episode.truncateds)[:-1].any()
        assert episode.columns["has_player"].all() == game.has_player
    shuffled = [
        each.episode_id
        for rank in (0, 1)
        for each in opened.episodes(seed=1, rank=rank, world_size=2)
    ]
    assert sorted(shuffled) == sorted(each.episode_id for each in found)


def test_normalised_observations_have_the_moments_of_train(opened: TrainingDataset) -> None:
    scaled = opened.normalised()
    (batch,) = scaled.batches(1_000, split="train")
    assert batch["observations"].mean(axis=0) == pytest.approx(np.zeros(36), abs=1e-5)
    spread = batch["observations"].std(axis=0)
    assert all(value == pytest.approx(1, abs=1e-5) or value == 0 for value in spread.tolist())
    assert {TICK, BALANCE} <= set(np.flatnonzero(spread).tolist())
    plain = next(opened.batches(1_000))["next_observations"]
    (whole,) = scaled.batches(1_000)
    mean, std = (np.array(scaled.normalisation[key]) for key in ("mean", "std"))
    expected = (plain - mean) / np.where(std > 0, std, 1)
    assert whole["next_observations"] == pytest.approx(expected, abs=1e-4)
    assert scaled[3][0] == pytest.approx(whole["observations"][3])
    episode = next(scaled.episodes())
    assert episode.next_observations == pytest.approx(whole["next_observations"][: len(episode)])
    windows = next(scaled.sequences(4))
    np.testing.assert_array_equal(windows["observations"][0], whole["observations"][:4])


def test_dates_can_be_chosen(store: Path) -> None:
    for way in ({"release": "first"}, {"version": "latest"}):
        for dates in (TUESDAY, [TUESDAY], iter([TUESDAY])):
            chosen = TrainingDataset.open(store, dates=dates, **way)  # type: ignore[arg-type]
            assert samples_in(list(chosen.batches(99))) == in_step_order()[DECISIONS // 2 :]


def test_older_versions_and_times_can_be_opened(store: Path) -> None:
    assert len(TrainingDataset.open(store, version=1)) == DECISIONS // 2
    assert len(TrainingDataset.open(store, version=2)) == DECISIONS


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "name either release"),
        ({"release": "first", "version": 1}, "name either release"),
        ({"release": "second"}, "there are: first"),
        ({"version": "newest"}, "'newest'"),
        ({"version": 99}, "no version 99"),
        ({"release": "first", "dates": []}, "no date"),
        ({"release": "first", "dates": [MONDAY.replace(year=2024)]}, "2024-12-15"),
        ({"version": "latest", "dates": [MONDAY.replace(year=2024)]}, "2024-12-15"),
        ({"release": "first", "dates": ["2025-12-15"]}, "no datetime.date"),
        ({"release": "first", "dates": [datetime(2025, 12, 15, tzinfo=UTC)]}, "no datetime.date"),
        ({"release": "first", "memory_limit": -1}, "0 or more"),
        ({"version": -1}, "0 or more"),
        ({"version": 1.0}, "a whole number"),
        ({"version": datetime(2025, 12, 15)}, "has no zone"),  # noqa: DTZ001 - that is the point
        ({"release": "first", "columns": "observed"}, "a list of names"),
        ({"release": "first", "columns": ["colour"]}, "no column 'colour'"),
        ({"release": "first", "columns": ["price"]}, "no column 'price'"),
    ],
)
def test_what_cannot_be_opened_is_an_error(
    store: Path, arguments: dict[str, Any], says: str
) -> None:
    with pytest.raises(LakeError, match=says):
        TrainingDataset.open(store, **arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"batch_size": 0},
        {"batch_size": 4, "split": "training"},
        {"batch_size": 4, "epochs": -1},
        {"batch_size": 4, "rank": 2, "world_size": 2},
        {"batch_size": 4, "worker": -1},
        {"batch_size": 4, "n_step": 0},
        {"batch_size": 4, "n_step": 3},
        {"batch_size": 4, "n_step": 3, "discount": 1.5},
        {"batch_size": 4, "shuffle": True},
        {"batch_size": 4.0},
        {"batch_size": True},
        {"batch_size": 4, "seed": 1.0},
        {"batch_size": 4, "seed": "1"},
        {"batch_size": 4, "rank": 0.0},
        {"batch_size": 4, "epochs": 1.5},
        {"batch_size": 4, "drop_last": "no"},
        {"batch_size": 4, "reuse": 1},
        {"batch_size": 4, "n_step": 2.0, "discount": 0.9},
        {"batch_size": 4, "n_step": 2, "discount": float("nan")},
        {"batch_size": 4, "resume": {"epoch": 0}},
        {"batch_size": 10_000, "drop_last": True, "epochs": None},
    ],
)
def test_what_cannot_be_dealt_is_an_error(
    dataset: TrainingDataset, arguments: dict[str, Any]
) -> None:
    with pytest.raises(LakeError):
        dataset.batches(**arguments)


def test_what_cannot_be_drawn_is_an_error(dataset: TrainingDataset) -> None:
    with pytest.raises(LakeError, match=r"numpy\.random\.Generator"):
        dataset.sample(4, rng=7)  # type: ignore[arg-type]
    with pytest.raises(LakeError, match="batch_size=0"):
        dataset.sample(0, rng=np.random.default_rng())
    with pytest.raises(LakeError, match="length=0"):
        dataset.sequences(0)
    with pytest.raises(LakeError, match=r"stride=1\.5"):
        dataset.sequences(4, 1.5)  # type: ignore[arg-type]
    with pytest.raises(LakeError, match="epoch=-1"):
        dataset.episodes(seed=1, epoch=-1)
    for samples in ([0.5], [True], [[0, 1]]):
        with pytest.raises(LakeError, match="a flat list of whole numbers"):
            dataset.batch(np.array(samples))


def test_buffers_are_filled_whole_or_refused(dataset: TrainingDataset) -> None:
    rng = np.random.default_rng(1)
    larger = dataset.sample(2_048, rng=rng)
    for size in (1, 1_024, 2_047, 2_049):
        with pytest.raises(LakeError, match="are filled, each of"):
            dataset.sample(size, rng=rng, out=larger)
    with pytest.raises(LakeError, match="discounts"):
        dataset.sample(2_048, rng=rng, out=larger, n_step=2, discount=0.5)
    assert dataset.sample(2_048, rng=rng, out=larger) is larger


def test_a_number_is_the_same_whoever_made_it(dataset: TrainingDataset) -> None:
    numbers: list[Any] = [3, np.uint8(3)]
    one, other = (dataset.batches(7, seed=seed) for seed in numbers)
    assert samples_in(list(one)) == samples_in(list(other))
    assert json.dumps(other.state.to_dict()) == json.dumps(one.state.to_dict())


def test_a_state_that_is_none_is_refused(dataset: TrainingDataset) -> None:
    stream = dataset.batches(8, seed=1, epochs=2)
    next(stream)
    said = stream.state.to_dict()
    for wrong in ({"position": "8"}, {"epoch": 0.0}, {"rank": None}, {"more": 1}):
        with pytest.raises(LakeError):
            LoaderState.from_dict(said | wrong)
    for wrong in ({"position": DECISIONS + 1}, {"position": -1}, {"epoch": 3}, {"epoch": -1}):
        with pytest.raises(LakeError, match="no such place"):
            dataset.batches(8, seed=1, epochs=2, resume=LoaderState.from_dict(said | wrong))
    end = LoaderState.from_dict(said | {"epoch": 2, "position": 0})
    assert list(dataset.batches(8, seed=1, epochs=2, resume=end)) == []


def test_the_cache_is_built_once_and_again_when_damaged(store: Path, tmp_path: Path) -> None:
    def opened(**how: Any) -> TrainingDataset:
        return TrainingDataset.open(store, release="first", memory_limit=0, cache=tmp_path, **how)

    expected = samples_in(list(opened().batches(9, seed=1)))
    (cache,) = (path for path in tmp_path.iterdir() if path.is_dir())
    before = (cache / "observations").stat()
    opened()
    assert (cache / "observations").stat().st_ino == before.st_ino
    text = bytearray((cache / "observations").read_bytes())
    text[1000] ^= 1
    (cache / "observations").write_bytes(text)
    opened(verify=False)
    assert samples_in(list(opened().batches(9, seed=1))) == expected
    assert (cache / "observations").read_bytes() != bytes(text)
    (cache / "action").unlink()
    assert samples_in(list(opened(verify=False).batches(9, seed=1))) == expected
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("_")] == []


def test_a_cache_with_no_place_says_what_to_do(store: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(LakeError, match=r"name another folder with cache="):
        TrainingDataset.open(store, release="first", memory_limit=0, cache=blocked)


def test_the_loader_is_imported_without_dagster_and_without_pandas() -> None:
    import subprocess
    import sys

    code = "import rugs_assets.lake.dataset, sys; print({'dagster', 'pandas'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_steps_know_their_columns() -> None:
    names = [field.name for field in TRAINING_SHARDS.schema]
    assert set(EXTRAS) < set(names)
    assert not {"action", "reward", "price", "episode_id"} & set(EXTRAS)
