"""Evaluation: what players earn a game, over worlds that are the same for all of them.

In: players. Out: the mean of each over worlds, with its standard error. Trades do not move the
price, so in the world of a seed everybody plays the very same games.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from examples.players import Act, Player
from rugs_assets.domain.buttons import ACTIONS
from rugs_assets.environment import RugsEnv


@dataclass(frozen=True)
class Score:
    """What a player earned.

    Attributes:
        mean: reward a game, over all worlds (SOL, where the reward is equity_delta).
        error: standard error of that mean: the spread of the worlds' means by the root of their
            number; nan for one world.
        presses: BUY, SELL and SIDEBET a game, whether the server took them or not.
        decisions: a game.
    """

    mean: float
    error: float
    presses: tuple[float, ...]
    decisions: float


def scores(
    players: Mapping[str, Player],
    seeds: Sequence[int],
    games: int,
    env: Callable[[], RugsEnv] = RugsEnv,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Score]:
    """Let every player play the first games of the world of every seed.

    Args:
        players: by name.
        seeds: of the worlds, at least one.
        games: in each world.
        env: makes the environment.
        say: told when a player is through.
    """
    found = {}
    for name, player in players.items():
        played = [_played(player(seed), env(), seed, games) for seed in seeds]
        earned = np.array([each[0] for each in played])
        counts = np.sum([each[1] for each in played], axis=0) / (len(seeds) * games)
        error = float("nan")
        if len(seeds) > 1:
            error = float(earned.std(ddof=1) / np.sqrt(len(seeds)))
        found[name] = Score(
            float(earned.mean()), error, tuple(counts[1:].tolist()), float(counts.sum())
        )
        say(name)
    return found


def _played(act: Act, env: RugsEnv, seed: int, games: int) -> tuple[float, list[int]]:
    """Mean reward a game, and how often each action was taken."""
    earned, counts = 0.0, [0] * len(ACTIONS)
    for game in range(games):
        observation, _ = env.reset(seed=seed) if game == 0 else env.reset()
        over = False
        while not over:
            action = act(observation, env)
            counts[action] += 1
            observation, reward, terminated, truncated, _ = env.step(action)
            earned += reward
            over = terminated or truncated
    return earned / games, counts


def table_of(found: Mapping[str, Score]) -> str:
    """The scores as a Markdown table, thousandths of a SOL."""
    lines = [
        "| player | 0.001 SOL a game | standard error | BUY | SELL | SIDEBET |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, score in found.items():
        presses = " | ".join(f"{each:.1f}" for each in score.presses)
        lines.append(f"| {name} | {1e3 * score.mean:+.2f} | {1e3 * score.error:.2f} | {presses} |")
    return "\n".join(lines)
