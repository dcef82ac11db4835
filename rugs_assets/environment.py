"""`RugsEnv`: the simulated game as a Gymnasium environment that shows what a release holds.

In: actions, by number as in the shards. Out: observations, float32 (36,), made event by event by
the very `ObservationBuilder` that live agents run; rewards of the registry. Grain: a step is a
decision, an episode is a game. Invariants: the steps of a game are, bit for bit, the steps that the
pipeline makes of what the player's client received; same seed and actions, same episode.

Belongs here: Gymnasium's interface. Goes elsewhere: the world and what an action does
(`rugs_assets.domain.simulator.decisions`). Needs the extra `gymnasium`.
"""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import NDArray

from rugs_assets.domain.live_games import LiveRow
from rugs_assets.domain.samples import SampleRules
from rugs_assets.domain.simulator.decisions import Decisions, Event, Stake
from rugs_assets.domain.simulator.plan import Plan
from rugs_assets.domain.simulator.policies import View
from rugs_assets.lake.bridges.extras import MissingExtra
from rugs_assets.lake.bridges.spaces import action_space, observation_space

try:
    import gymnasium
except ModuleNotFoundError as error:
    raise MissingExtra("gymnasium", "gymnasium") from error

ENVIRONMENT_ID = "rugs/Simulated-v0"
"""After importing this module: ``gymnasium.make("rugs/Simulated-v0", reward="equity_delta")``."""

_SEEDS = 2**31

Observed = NDArray[np.float32]


class RugsEnv(gymnasium.Env[Observed, np.int64]):
    """One own player in the simulated game.

    Actions: 0 WAIT, 1 BUY, 2 SELL, 3 SIDEBET, pressed as soon as the observation has arrived. BUY
    and SIDEBET put in ``bet``, SELL sells ``sell_percent`` of the position; what the server refuses
    has no effect. Orders take tens of milliseconds to the server, now and then a second.

    An episode ends ``terminated`` when the next row is RUGGED; its last reward counts what is
    settled after that. It ends ``truncated`` only where ``rules`` leave out the phases in which it
    could be terminated.

    ``reset(seed=...)`` makes a new world with a new account of about 100 SOL; ``reset()`` goes on
    to the next game of the same world, with what the player has left.

    Args:
        reward: name of the reward (`rugs_assets.domain.rewards.REWARDS`), as in the release.
        bet: what a BUY or a SIDEBET puts in, SOL, in steps of 0.001.
        sell_percent: what a SELL sells, 1 to 100.
        rules: phases in which something is decided; its reward is replaced by ``reward``.
        plan: the world (see `rugs_assets.domain.simulator.Plan`).
        keep_events: remember what the client received, for `events`.

    Raises:
        ValueError: an argument is out of range.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - as Gymnasium declares it

    def __init__(
        self,
        reward: str = "equity_delta",
        bet: float = 0.01,
        sell_percent: int = 100,
        rules: SampleRules | None = None,
        plan: Plan | None = None,
        *,
        keep_events: bool = False,
    ) -> None:
        self.observation_space = observation_space()
        self.action_space = action_space()
        self._rules = replace(rules or SampleRules(), reward=reward)
        self._stake = Stake(bet, sell_percent)
        self._plan, self._keeps = plan, keep_events
        self._world: Decisions | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observed, dict[str, Any]]:
        """Go to the first decision of a game: of a new world with a seed, else of the next one.

        Args:
            seed: of the world, and of `np_random`.
            options: there are none.

        Returns:
            The observation, and what `step` returns as info.

        Raises:
            ValueError: an option was given.
        """
        if options:
            raise ValueError(f"no option {', '.join(map(str, options))}")
        super().reset(seed=seed)
        if self._world is None or seed is not None:
            drawn = seed if seed is not None else int(self.np_random.integers(_SEEDS))
            self._world = Decisions(
                drawn, self._rules, self._stake, self._plan, keep_events=self._keeps
            )
        row = self._world.next_game()
        return row.observation, _told(row)

    def step(self, action: SupportsIndex) -> tuple[Observed, float, bool, bool, dict[str, Any]]:
        """Act, and go on to the next row of the game.

        Args:
            action: its number.

        Returns:
            Observation, reward, terminated, truncated, and info: ``episode_id``, ``frame`` (number
            of the row within its game), ``phase`` by name, ``observed`` (bit i: feature i rests on
            a received value).

        Raises:
            ValueError: there is no such action, or the game is over.
            TypeError: the action is no whole number.
        """
        decided = self.world.decide(operator.index(action))
        row = decided.row
        return row.observation, decided.reward, decided.done, decided.truncated, _told(row)

    @property
    def world(self) -> Decisions:
        """The world that is played in.

        Raises:
            ValueError: it was not reset yet.
        """
        if self._world is None:
            raise ValueError("reset() comes first")
        return self._world

    @property
    def view(self) -> View:
        """What the player's client shows: for scripted policies."""
        return self.world.view

    def events(self) -> list[Event]:
        """What the client received and sent since the world was made (``keep_events=True``)."""
        return self.world.events()


def _told(row: LiveRow) -> dict[str, Any]:
    return {
        "episode_id": row.episode_id,
        "frame": row.frame,
        "phase": row.phase.name,
        "observed": row.observed,
    }


if ENVIRONMENT_ID not in gymnasium.registry:
    gymnasium.register(ENVIRONMENT_ID, entry_point="rugs_assets.environment:RugsEnv")
