"""The Gymnasium environment: its interface, and that it shows what a release holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rugs_assets.domain.features import FEATURE_NAMES, FEATURES, Phase
from rugs_assets.domain.samples import SampleRules
from rugs_assets.lake.training import TrainingDataGenerator

pytest.importorskip("gymnasium", reason="pip install 'rugs_assets[gymnasium]'")

import gymnasium
from gymnasium.utils.env_checker import check_env

from rugs_assets.domain.recording import Recording
from rugs_assets.environment import ENVIRONMENT_ID, RugsEnv
from rugs_assets.lake.dataset import TrainingDataset

SCRIPT = (0, 0, 1, 0, 3, 0, 0, 2, 0, 0)


def played(env: RugsEnv, seed: int) -> dict[str, list[Any]]:
    """A game with a script of actions: the arrays of its steps."""
    made: dict[str, list[Any]] = {name: [] for name in ("observations", "actions", "rewards")}
    made |= {"next_observations": [], "dones": [], "truncateds": []}
    observation, _ = env.reset(seed=seed)
    over = False
    while not over:
        action = SCRIPT[len(made["actions"]) % len(SCRIPT)]
        made["observations"].append(observation)
        made["actions"].append(action)
        observation, reward, terminated, truncated, _ = env.step(action)
        made["rewards"].append(reward)
        made["next_observations"].append(observation)
        made["dones"].append(terminated)
        made["truncateds"].append(truncated)
        over = terminated or truncated
    return made


def test_gymnasiums_own_checker_finds_nothing() -> None:
    # The suite turns its warnings into errors.
    check_env(gymnasium.make(ENVIRONMENT_ID).unwrapped)


def test_a_played_game_is_the_shard_that_the_stages_make_of_it() -> None:
    env = RugsEnv(reward="log_equity", bet=0.05, keep_events=True)
    mine = played(env, seed=2)
    made = TrainingDataGenerator(SampleRules(reward="log_equity"))._make(
        Recording.of_events(env.events())
    )
    dataset = TrainingDataset.of_shards(made.shards())
    episode = next(dataset.episodes())
    assert len(episode) == len(mine["actions"])
    for name, values in mine.items():
        stored = getattr(episode, name)
        assert np.array(values, stored.dtype).tobytes() == stored.tobytes(), name
    assert mine["dones"] == [False] * (len(mine["dones"]) - 1) + [True]


def test_a_seed_names_an_episode_and_the_next_one() -> None:
    one, other = RugsEnv(), RugsEnv()
    found = [env.reset(seed=7) for env in (one, other)]
    assert found[0][0].tobytes() == found[1][0].tobytes()
    assert found[0][1] == found[1][1]
    following = [env.reset()[1]["episode_id"] for env in (one, other)]
    assert following[0] == following[1] != found[0][1]["episode_id"]
    assert one.reset(seed=8)[1]["episode_id"] != found[0][1]["episode_id"]


def test_without_a_seed_worlds_differ() -> None:
    assert RugsEnv().reset()[1]["episode_id"] != RugsEnv().reset()[1]["episode_id"]


def test_the_spaces_are_those_of_the_features_and_actions() -> None:
    env = RugsEnv()
    space = env.observation_space
    assert isinstance(space, gymnasium.spaces.Box)
    assert space.shape == (len(FEATURE_NAMES),)
    assert space.dtype == np.dtype(np.float32)
    declared = [(feature.low, feature.high) for feature in FEATURES]
    for low, high, (least, most) in zip(space.low, space.high, declared, strict=True):
        assert np.isfinite([low, high]).all()
        assert least is None or low == np.float32(least)
        assert most is None or high == np.float32(most)
    assert env.action_space == gymnasium.spaces.Discrete(4)
    assert env.reset(seed=0)[0] in space


def test_info_tells_where_the_row_stands() -> None:
    env = RugsEnv(rules=SampleRules(phases=frozenset({Phase.ACTIVE})))
    _, info = env.reset(seed=0)
    assert info["phase"] == "ACTIVE"
    assert info["observed"] & 1
    _, _, _, _, then = env.step(np.int64(0))
    assert (then["episode_id"], then["frame"]) == (info["episode_id"], info["frame"] + 1)


def test_what_cannot_be_honoured_is_an_error() -> None:
    env = RugsEnv()
    with pytest.raises(ValueError, match="reset"):
        env.step(0)
    with pytest.raises(ValueError, match="no option speed"):
        env.reset(options={"speed": 2})
    with pytest.raises(ValueError, match="no reward 'gold'"):
        RugsEnv(reward="gold")
    with pytest.raises(ValueError, match="a bet is"):
        RugsEnv(bet=0)
    env.reset(seed=0)
    for action in (1.7, "1", np.float32(1)):
        with pytest.raises(TypeError):
            env.step(action)  # type: ignore[arg-type]
