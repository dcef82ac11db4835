"""The worked example in a small form: parity, training and evaluation on a simulated release."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

pytest.importorskip("gymnasium", reason="pip install 'rugs_assets[gymnasium]'")

from examples.behaviour_cloning import cloned, indifferent, likelihood
from examples.evaluation import Score, scores, table_of
from examples.parity import play_and_compare, replay_of_release
from examples.players import cloning, random_presses, scripted, waiting
from rugs_assets.domain.simulator import Payload, Plan
from rugs_assets.environment import RugsEnv
from rugs_assets.lake.dataset import TrainingDataset
from rugs_assets.lake.releases import ReleaseRequest, Releases
from rugs_assets.lake.tables import Lake, Provenance
from rugs_assets_tests.lake.release_store import BASIS, CODE, digest_of
from rugs_assets_tests.truth.played import Day, played

PLAN = Plan(seed=5, sessions=1, players=1, games_per_day=4, payload=Payload.LEAN)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a simulated date, as the stages make it, and a release of it."""
    lake = Lake(tmp_path_factory.mktemp("example") / "store")
    ((day, made),) = played(PLAN).days.items()
    tables = _tables(made)
    for each in BASIS.tables:
        held = [lake.provenance(spec, day) for spec in each.inputs]
        digest = digest_of(stored for stored in held if stored is not None)
        batches = tables[each.spec.name].to_batches()
        lake.replace(each.spec, day, batches, Provenance("run", CODE, digest))
    Releases(lake).create(ReleaseRequest("example", day, day), BASIS, rules={})
    return Path(lake.root)


def _tables(made: Day) -> dict[str, pa.Table]:
    return {
        "raw_ws_events": made.events,
        "rejected_input": made.rejected,
        "episodes": made.episodes,
        "observations": made.observations,
        "aligned_samples": made.samples,
        "unaligned_actions": made.unaligned,
        "training_shards": made.shards,
    }


def test_recorded_games_replay_to_the_rows_of_the_release(store: Path) -> None:
    dataset = TrainingDataset.open(store, release="example")
    assert replay_of_release(store, "example", games=99) == (4, len(dataset))


def test_a_played_game_is_what_the_stages_make_of_it() -> None:
    assert play_and_compare(seed=3) > 50


def test_a_clone_learns_how_often_players_press(store: Path) -> None:
    dataset = TrainingDataset.open(store, release="example").normalised()
    clone = cloned(dataset, epochs=500, seed=0, rate=0.02)
    (batch,) = dataset.batches(dataset.count("train"), split="train")
    shares = np.bincount(batch["actions"], minlength=4) / len(batch["actions"])
    ignorant = float((shares[shares > 0] * np.log(shares[shares > 0])).sum())
    assert likelihood(clone, dataset, "train") > ignorant
    odds = clone.probabilities(batch["observations"])
    np.testing.assert_allclose(odds.sum(axis=1), 1, rtol=1e-5)
    assert odds.mean(axis=0)[0] == pytest.approx(shares[0], abs=0.02)
    again = cloned(dataset, epochs=500, seed=0, rate=0.02)
    assert again.weights.tobytes() == clone.weights.tobytes()


def test_a_clone_is_never_worse_than_one_that_sees_nothing(store: Path) -> None:
    dataset = TrainingDataset.open(store, release="example").normalised()
    blind = likelihood(indifferent(dataset), dataset, "train")
    assert likelihood(cloned(dataset, epochs=1, seed=0), dataset, "train") > blind
    (batch,) = dataset.batches(dataset.count("train"), split="train")
    odds = indifferent(dataset).probabilities(batch["observations"])
    shares = np.bincount(batch["actions"], minlength=4) / len(batch["actions"])
    assert odds[0] == pytest.approx(shares, abs=0.01)
    assert (odds == odds[0]).all()


def test_players_are_compared_on_the_same_games(store: Path) -> None:
    dataset = TrainingDataset.open(store, release="example").normalised()
    assert dataset.scale is not None
    clone = cloned(dataset, epochs=1, seed=0)
    players = {"wait": waiting, "random": random_presses, "clone": cloning(clone, dataset.scale)}
    players |= {"simulator: hold": scripted("hold")}
    found = scores(players, seeds=[21], games=1)
    assert len({score.decisions for score in found.values()}) == 1
    assert found["wait"] == Score(0.0, found["wait"].error, (0, 0, 0), found["wait"].decisions)
    assert sum(found["random"].presses) > 0
    assert len(table_of(found).splitlines()) == 2 + len(players)


class Paying(RugsEnv):
    """Pays the seed of its world in each of the three steps of a game."""

    pays = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        self.pays = self.pays if seed is None else seed
        self.left = 3
        return np.zeros(36, np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.left -= 1
        return np.zeros(36, np.float32), float(self.pays), self.left == 0, False, {}


def test_the_error_is_that_of_the_mean_over_worlds() -> None:
    found = scores({"w": waiting}, seeds=[1, 2, 6], games=4, env=Paying)["w"]
    assert (found.mean, found.decisions) == (9.0, 3.0)
    assert found.error == pytest.approx(np.std([3, 6, 18], ddof=1) / np.sqrt(3))


def test_the_whole_way_from_release_to_table(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("d3rlpy", reason="pip install 'rugs_assets[d3rlpy]' (make test-bridges)")
    from examples.train_on_a_release import main

    small = ["--epochs", "1", "--steps", "4", "--worlds", "1", "--games", "1"]
    table = main(["--store", str(store), "--release", "example", *small]).read_text()
    assert table in capsys.readouterr().out + "\n"
    said = json.loads((store.parent / "results.json").read_text())["scores"]
    assert set(said) >= {"wait", "random", "behaviour cloning", "DiscreteCQL", "simulator: hold"}
    assert said["wait"]["mean"] == 0
    assert all(np.isfinite(score["mean"]) for score in said.values())
