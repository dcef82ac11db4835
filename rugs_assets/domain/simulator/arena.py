"""The same world frame by frame, for a player outside it: what an environment for training steps.

In: buttons. Out: a `Step` at every frame that arrives. Invariants: the player sees what its client
has received and nothing else; same seed and same presses, same steps. Wealth is the server's word,
for rewards; a policy must not look at it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from random import Random

from rugs_assets.domain.simulator.accounts import Account
from rugs_assets.domain.simulator.beats import timeline
from rugs_assets.domain.simulator.buttons import BUTTONS
from rugs_assets.domain.simulator.client import Client
from rugs_assets.domain.simulator.connections import FOREVER, Connection
from rugs_assets.domain.simulator.games import Game, games_before, make_game, midnight
from rugs_assets.domain.simulator.messages import RUGGED, Frame, Message
from rugs_assets.domain.simulator.network import Downlink
from rugs_assets.domain.simulator.plan import Payload, Plan
from rugs_assets.domain.simulator.policies import View
from rugs_assets.domain.simulator.randomness import stream
from rugs_assets.domain.simulator.recorder import Recorder
from rugs_assets.domain.simulator.server import Server
from rugs_assets.domain.simulator.simulate import player_account
from rugs_assets.domain.simulator.world import World

_REFLEX_US = 1  # before anything else arrives: messages are at least 40 microseconds apart


@dataclass(frozen=True, slots=True)
class Step:
    """What a frame brought.

    Attributes:
        view: what the player's client knows now; it changes with the next step.
        rugged: this frame is the first that says its game is rugged.
        wealth: cash and position at the price now, on the server, 1e-9 SOL.
    """

    view: View
    rugged: bool
    wealth: int


class _Outside:
    """The policy of a player who is asked from outside."""

    def act(self, view: View, rng: Random) -> tuple[str, ...]:
        """Nothing: the presses come with the steps."""
        del view, rng
        return ()


class _Watched(Client):
    """A client that tells when a frame has arrived."""

    _fresh: Frame | None = None

    def arrive(self, message: Message, at_us: int) -> bool:
        """Take in a message and remember whether it was a frame."""
        if isinstance(message.meaning, Frame):
            self._fresh = message.meaning
        return super().arrive(message, at_us)

    def news(self) -> Frame | None:
        """The frame that has arrived since the last time this was asked."""
        frame, self._fresh = self._fresh, None
        return frame


class Arena:
    """One own player in the world, game after game without end.

    Args:
        seed: of everything random.
        plan: what else there is to say: first date, versions, bursts on the line; its days,
            sessions and games a day mean nothing here.
        recorder: makes what writes a session down, anew with every `reset`; none by default.
    """

    def __init__(
        self, seed: int, plan: Plan | None = None, recorder: Callable[[], Recorder] | None = None
    ) -> None:
        self._plan = replace(plan or Plan(payload=Payload.LEAN), sessions=1, players=1)
        self._recorder = recorder
        self.reset(seed)

    def reset(self, seed: int) -> Step:
        """Start over with another seed; returns the first frame's step."""
        plan = replace(self._plan, seed=seed)
        self._account: Account = player_account(plan, 0)
        before = games_before(plan, midnight(plan.start))
        server = Server(plan, [self._account], before)
        beats = timeline(_endless(plan, before[-1].over_us), stream(seed, "beats"))
        self._world = World(server, beats, stream(seed, "delays"))
        self._client = _Watched(self._account, _Outside(), stream(seed, "mind"))
        downlink = Downlink(stream(seed, "line"), plan.faults.bursts)
        recorder = None if self._recorder is None else self._recorder()
        self._line = Connection(0, FOREVER, downlink, self._account, self._client, recorder)
        self._world.connections.append(self._line)
        self._rugged = ""
        return self.step(())

    def press(self, button: str, bet: int, percent: int) -> None:
        """Press a button right after the last frame, as a program does: without human delays.

        The amount and the share are set in the client beforehand, without presses of their own.

        Args:
            button: BUY, SELL or SIDEBET.
            bet: amount of a bet, 1e-9 SOL.
            percent: share of a sale.
        """
        client = self._client
        client.view.bet, client.view.percent = bet, percent
        client.plan((button,))
        self._world.press_at(self._line, client.view.now_us + _REFLEX_US)

    def step(self, presses: Sequence[str]) -> Step:
        """Press buttons, in order and with human delays, and go on to the next frame.

        Presses that are still being carried out go first: a sequence takes longer than a frame.

        Raises:
            ValueError: a button does not exist.
        """
        unknown = [button for button in presses if button not in BUTTONS]
        if unknown:
            raise ValueError(f"no button {unknown[0]!r}; there are {', '.join(BUTTONS)}")
        client = self._client
        if presses:
            busy = client.has_plan()
            client.plan(tuple(presses))
            if not busy:
                self._world.plan(self._line, client.view.now_us)
        while (frame := client.news()) is None:
            self._world.advance()
            self._world.server.closed.clear()
        rugged = frame.phase == RUGGED and frame.game.id != self._rugged
        if rugged:
            self._rugged = frame.game.id
        value = int(self._account.qty * client.view.price + 0.5)
        return Step(client.view, rugged, self._account.cash + value)


def _endless(plan: Plan, at_us: int) -> Iterator[Game]:
    for number in count():
        game = make_game(plan, number, at_us)
        yield game
        at_us = game.over_us
