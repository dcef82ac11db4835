"""d3rlpy: every decision is a transition, terminal where the game rugged, and it can be learnt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("d3rlpy", reason="pip install 'rugs_assets[d3rlpy]' (make test-bridges)")

import d3rlpy

from rugs_assets.lake.bridges.d3rlpy import mdp_dataset
from rugs_assets.lake.dataset import TrainingDataset
from rugs_assets.lake.errors import LakeError
from rugs_assets_tests.bridges.conftest import Released

SPLITS = ("train", "val", "test", None)


def transitions_of(made: Any) -> list[Any]:
    """Every transition, episode by episode."""
    pick = d3rlpy.dataset.BasicTransitionPicker()
    return [
        pick(episode, at) for episode in made.episodes for at in range(episode.transition_count)
    ]


@pytest.mark.parametrize("split", SPLITS)
def test_every_decision_is_a_transition(dataset: TrainingDataset, split: str | None) -> None:
    made = mdp_dataset(dataset, split)
    found = transitions_of(made)
    (batch,) = dataset.batches(dataset.count(split), split=split)
    assert made.transition_count == len(found) == dataset.count(split)
    for at, transition in enumerate(found):
        assert transition.observation.tobytes() == batch["observations"][at].tobytes()
        assert transition.action.tolist() == [batch["actions"][at]]
        assert transition.reward.tolist() == [batch["rewards"][at]]
        assert transition.terminal == batch["dones"][at]
        # Behind a terminal one d3rlpy shows zeros, whatever was there.
        after = batch["next_observations"][at] * (not batch["dones"][at])
        assert transition.next_observation.tobytes() == after.tobytes()


def test_ends_are_terminals_or_timeouts(dataset: TrainingDataset) -> None:
    made = mdp_dataset(dataset, "train")
    own = list(dataset.episodes(split="train"))
    assert len(made.episodes) == len(own)
    for episode, game in zip(made.episodes, own, strict=True):
        assert episode.terminated == bool(game.dones[-1])
        assert episode.transition_count == len(game)
        assert episode.size() == len(game) + int(game.truncateds[-1])
    assert {episode.terminated for episode in made.episodes} == {True, False}


def test_it_is_a_replay_buffer_of_discrete_actions(dataset: TrainingDataset) -> None:
    made = mdp_dataset(dataset, "train")
    assert isinstance(made, d3rlpy.dataset.ReplayBuffer)
    info = made.dataset_info
    assert info.action_space == d3rlpy.ActionSpace.DISCRETE
    assert info.action_size == 4
    assert info.observation_signature.shape == [(36,)]
    assert [np.dtype(each) for each in info.observation_signature.dtype] == [np.dtype(np.float32)]


def test_an_agent_learns_from_it(released: Released, tmp_path: Path) -> None:
    made = mdp_dataset(released.open().normalised(), "train")
    agent = d3rlpy.algos.DiscreteCQLConfig(batch_size=16).create(device="cpu:0")
    told = agent.fit(
        made,
        n_steps=4,
        n_steps_per_epoch=2,
        show_progress=False,
        logger_adapter=d3rlpy.logging.NoopAdapterFactory(),
    )
    assert [epoch for epoch, _ in told] == [1, 2]
    assert all(np.isfinite(list(metrics.values())).all() for _, metrics in told)
    actions = agent.predict(made.episodes[0].observations)
    assert set(actions.tolist()) <= set(range(4))


def test_an_unknown_split_is_an_error(dataset: TrainingDataset) -> None:
    with pytest.raises(LakeError, match="no split 'dev'"):
        mdp_dataset(dataset, "dev")
