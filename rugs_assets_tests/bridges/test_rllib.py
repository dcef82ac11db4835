"""RLlib: Ray Data reads the shards of a release, every decision once, and an algorithm trains."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("ray", reason="pip install 'rugs_assets[rllib]' (make test-bridges)")

import ray
from ray.rllib.algorithms.bc import BCConfig

from rugs_assets.lake.bridges.rllib import offline_data, ray_dataset
from rugs_assets.lake.errors import LakeError
from rugs_assets.lake.releases import Releases
from rugs_assets.lake.tables import Lake
from rugs_assets_tests.bridges.conftest import Released, expected_rows, rows_of
from rugs_assets_tests.conftest import ROOT

SPLITS = ("train", "val", "test", None)
# Ray's settings warn of each other, whoever sets them.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:ray")


@pytest.fixture(scope="module", autouse=True)
def _ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=200 * 2**20,
        runtime_env={"env_vars": {"PYTHONPATH": str(ROOT)}},
    )
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield
    ray.shutdown()


def as_batch(found: Any) -> dict[str, Any]:
    """All rows of a Ray dataset in step order, with the names of the loader."""
    table = found.take_batch(found.count())
    order = np.lexsort((table["t"], table["eps_id"]))
    names = {
        "obs": "observations",
        "actions": "actions",
        "rewards": "rewards",
        "new_obs": "next_observations",
        "terminateds": "dones",
        "truncateds": "truncateds",
    }
    return {name: table[column][order] for column, name in names.items()}


@pytest.mark.parametrize("split", SPLITS)
def test_every_decision_once(released: Released, split: str | None) -> None:
    found = ray_dataset(released.store, released.name, split)
    assert sorted(rows_of(as_batch(found))) == sorted(expected_rows(released.open(), split))


def test_episodes_end_where_they_end(released: Released) -> None:
    table = ray_dataset(released.store, released.name, None).take_batch(10_000)
    for game in released.open().episodes():
        mine = table["eps_id"] == game.episode_id
        order = np.argsort(table["t"][mine])
        assert table["t"][mine][order].tolist() == list(range(len(game)))
        assert table["terminateds"][mine][order].tolist() == game.dones.tolist()
        assert table["truncateds"][mine][order].tolist() == game.truncateds.tolist()


def test_normalised_as_the_whole_release(released: Released) -> None:
    found = ray_dataset(released.store, released.name, "train", normalised=True)
    own = released.open().normalised()
    assert sorted(rows_of(as_batch(found))) == sorted(expected_rows(own, "train"))


def test_a_changed_byte_is_found_by_the_task_that_reads_it(
    released: Released, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    shutil.copytree(released.store, store)
    folder = Releases(Lake(store)).folder(released.name)
    shard = sorted((folder / "training_shards").rglob("*.parquet"))[0]
    text = bytearray(shard.read_bytes())
    text[len(text) // 2] ^= 1
    shard.unlink()
    shard.write_bytes(text)
    with pytest.raises(Exception, match=r"sha256|is not what was released"):
        ray_dataset(store, released.name).count()


def test_an_algorithm_trains_on_it(released: Released) -> None:
    config = (
        BCConfig()
        .env_runners(num_env_runners=0)
        .learners(num_learners=0)
        .training(train_batch_size_per_learner=32)
    )
    algorithm = offline_data(
        config,
        released.store,
        released.name,
        "train",
        normalised=True,
        dataset_num_iters_per_learner=1,
    ).build_algo()
    try:
        data = algorithm.offline_data.data
        assert data.count() == released.open().count("train")
        told = algorithm.train()
        learnt = told["learners"]["default_policy"]
        assert np.isfinite(learnt["policy_loss"])
        assert learnt["num_module_steps_trained"] >= 32
    finally:
        algorithm.stop()


def test_an_unknown_release_is_an_error(released: Released) -> None:
    with pytest.raises(LakeError, match="no release 'autumn'"):
        ray_dataset(released.store, "autumn")
