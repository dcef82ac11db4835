"""Parity in the flesh: what is seen online is what the release holds, bit for bit.

In: a store and a release, or a played game. Out: counts of compared rows; an error names the first
row that differs.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rugs_assets.domain.live_games import replayed
from rugs_assets.environment import RugsEnv
from rugs_assets.lake.catalog import EPISODES, RAW_WS_EVENTS
from rugs_assets.lake.dataset import TrainingDataset
from rugs_assets.lake.tables import Lake
from rugs_assets.lake.training import TrainingDataGenerator


def replay_of_release(store: Path, release: str, games: int) -> tuple[int, int]:
    """Replay recorded games event by event, as the environment observes; compare with the release.

    Args:
        store: where the release lies; its first date is replayed.
        release: its name.
        games: how many of its games at most.

    Returns:
        Games and rows that are identical.

    Raises:
        AssertionError: a row differs.
    """
    lake = Lake(store)
    dataset = TrainingDataset.open(lake, release=release, columns=["frame"])
    first = next(dataset.episodes()).capture_date
    if first is None:
        raise AssertionError("a release knows the dates of its games")
    episodes = lake.read(EPISODES, first).to_arrow()
    names = [str(each) for each in episodes["episode_id"].to_pylist()]
    chosen = dict(zip(names, episodes["session_id"].to_pylist(), strict=True))
    wanted = [game for game in dataset.episodes() if game.capture_date == first][:games]
    seen: dict[str, dict[int, bytes]] = {game.episode_id: {} for game in wanted}
    for session, row in replayed(lake.read(RAW_WS_EVENTS, first).batches()):
        game_id = row.episode_id or ""
        if game_id in seen and chosen[game_id] == session:
            seen[game_id][row.frame] = row.observation.tobytes()
    rows = 0
    for game in wanted:
        for observation, frame in zip(game.observations, game.columns["frame"], strict=True):
            if seen[game.episode_id][int(frame)] != observation.tobytes():
                raise AssertionError(f"game {game.episode_id}, frame {frame}: not the same bits")
            rows += 1
    return len(wanted), rows


def play_and_compare(seed: int) -> int:
    """Play a game in the environment, hand what the client received to the stages, and compare.

    Returns:
        Steps of which observation, action, reward, next observation and end are identical.

    Raises:
        AssertionError: one differs.
    """
    env, rng = RugsEnv(keep_events=True), np.random.default_rng(seed)
    observation, info = env.reset(seed=seed)
    steps = []
    over = False
    while not over:
        action = int(rng.choice(4, p=[0.91, 0.03, 0.03, 0.03]))
        after, reward, terminated, truncated, _ = env.step(action)
        steps.append((observation.tobytes(), action, reward, after.tobytes(), terminated))
        observation, over = after, terminated or truncated
    stored = TrainingDataGenerator().process_episode(env.events())
    mine = [each for each in stored if each["game_id"] == info["episode_id"]]
    actions = ["WAIT", "BUY", "SELL", "SIDEBET"]
    made = [
        (
            each["observation"].tobytes(),
            actions.index(each["action"]),
            each["reward"],
            each["next_observation"].tobytes(),
            each["done"],
        )
        for each in mine
    ]
    for at, (online, batch) in enumerate(zip(steps, made, strict=True)):
        if online != batch:
            raise AssertionError(f"step {at} of game {info['episode_id']} differs")
    return len(steps)
