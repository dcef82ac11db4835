"""Players of the environment: baselines, the simulator's policies, and what was trained.

In: an observation and the environment. Out: an action. All bet the environment's fixed stake, so
that they differ in when they press alone.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from examples.behaviour_cloning import Clone
from rugs_assets.domain.buttons import ACTIONS
from rugs_assets.domain.simulator import POLICIES
from rugs_assets.environment import RugsEnv
from rugs_assets.lake.transitions import Scale

Act = Callable[[NDArray[np.float32], RugsEnv], int]
Player = Callable[[int], Act]
"""Seed -> how to act."""

PRESSES = 0.03  # of all decisions, for the random baseline


def waiting(seed: int) -> Act:
    """Never presses anything."""
    del seed
    return lambda observation, env: 0


def random_presses(seed: int) -> Act:
    """Presses any of the three buttons at three decisions in a hundred."""
    rng = Random(seed)

    def act(observation: NDArray[np.float32], env: RugsEnv) -> int:
        del observation, env
        return rng.randrange(1, len(ACTIONS)) if rng.random() < PRESSES else 0

    return act


def scripted(name: str) -> Player:
    """A policy of the simulator: when it would press an action, the environment does.

    It is asked with the client's view, as in the simulator; the buttons with which it would set an
    amount are left out.
    """

    def player(seed: int) -> Act:
        policy, rng = POLICIES[name](), Random(seed)

        def act(observation: NDArray[np.float32], env: RugsEnv) -> int:
            del observation
            presses = [each for each in policy.act(env.view, rng) if each in ACTIONS]
            return ACTIONS.index(presses[-1]) if presses else 0

        return act

    return player


def cloning(clone: Clone, scale: Scale) -> Player:
    """Draws its action as the clone finds it likely."""

    def player(seed: int) -> Act:
        rng = np.random.default_rng(seed)

        def act(observation: NDArray[np.float32], env: RugsEnv) -> int:
            del env
            odds = clone.probabilities(scale.applied(observation)[None])[0]
            return int(np.searchsorted(np.cumsum(odds), rng.random() * odds.sum()))

        return act

    return player


def greedy(agent: Any, scale: Scale) -> Player:
    """Takes the action that a d3rlpy agent values most."""

    def player(seed: int) -> Act:
        del seed

        def act(observation: NDArray[np.float32], env: RugsEnv) -> int:
            del env
            return int(agent.predict(scale.applied(observation)[None])[0])

        return act

    return player
