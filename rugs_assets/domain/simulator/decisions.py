"""The world decision by decision: what an environment for training is made of.

In: an action at every row of the phases in which something is decided. Out: the rows of
``observations`` as a live agent makes them, rewards, the end. Grain: one decision. Invariants: the
rows and rewards are those that the stages make of the events that the player's client received
(`Decisions.events`), bit for bit; same seed and same actions, same rows.

How an action becomes a press: one button, pressed one microsecond after the row's frame arrived,
so that it belongs to this row (design.md 5). BUY and SIDEBET put in the fixed stake, SELL sells the
fixed share; amount and share are set in the client without presses of their own. The order takes
its time to the server like everybody's. What the server refuses (no position to sell, a side bet
that is open already, too little money) has no effect but the press. A press record is completed
when its answer arrives, and tells that as its ``server_ts``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any

import msgspec

from rugs_assets.domain import events as ev
from rugs_assets.domain.buttons import ACTIONS
from rugs_assets.domain.features import Phase
from rugs_assets.domain.live_games import LiveGames, LiveRow
from rugs_assets.domain.samples import SampleRules
from rugs_assets.domain.simulator.accounts import NANO
from rugs_assets.domain.simulator.arena import Arena, Step
from rugs_assets.domain.simulator.client import Press
from rugs_assets.domain.simulator.connections import FOREVER
from rugs_assets.domain.simulator.games import moment
from rugs_assets.domain.simulator.messages import Answered, Message
from rugs_assets.domain.simulator.plan import Faults, Payload, Plan
from rugs_assets.domain.simulator.policies import View
from rugs_assets.domain.simulator.randomness import stream
from rugs_assets.domain.simulator.recorder import Recorder
from rugs_assets.domain.simulator.recording import Holdings, Record
from rugs_assets.domain.simulator.store import button_record
from rugs_assets.domain.stored_rows import BUTTON_DOC

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stake:
    """What an action puts in.

    Attributes:
        bet: of a BUY and of a SIDEBET, SOL, in steps of 0.001.
        sell_percent: share of the position that a SELL sells.

    Raises:
        ValueError: one of both is out of range.
    """

    bet: float = 0.01
    sell_percent: int = 100

    def __post_init__(self) -> None:
        thousandths = self.bet * 1000
        is_bet = isfinite(thousandths) and abs(thousandths - round(thousandths)) < 1e-6
        is_share = not isinstance(self.sell_percent, bool) and self.sell_percent in range(1, 101)
        if not is_bet or thousandths < 0.5 or not is_share:
            raise ValueError(
                f"{self}: a bet is 0.001 SOL or more in steps of 0.001, a share a whole number of "
                "percent, 1 to 100"
            )

    @property
    def nano(self) -> int:
        """The bet in 1e-9 SOL."""
        return round(self.bet * 1000) * (NANO // 1000)


@dataclass(frozen=True, slots=True)
class Decided:
    """What a decision led to.

    Attributes:
        row: the next row of the game.
        reward: of the decision, float32 as in the shards.
        done: the next row is RUGGED.
        truncated: the phases in which something is decided ended first.
    """

    row: LiveRow
    reward: float
    done: bool
    truncated: bool


class _Ear(Recorder):
    """Hears what passes on a line, in order of time, and when answers arrive."""

    def __init__(self) -> None:
        super().__init__([], Faults(), stream(0, "ear"), Counter())
        self._heard: list[Record] = []
        self._answers: dict[int, int] = {}

    def receive(self, message: Message, at_us: int, holdings: Holdings | None) -> None:
        """A message that will have arrived at that time."""
        if isinstance(message.meaning, Answered):
            self._answers[message.meaning.order.number] = at_us
        super().receive(message, at_us, holdings)

    def is_answered(self, press: Press, by_us: int) -> bool:
        """Whether the answer to a press has arrived by a time; a slow order is overtaken."""
        return self._answers.get(press.number, FOREVER) <= by_us

    def heard(self, until_us: int) -> list[Record]:
        """What has passed up to a time since this was last asked."""
        self.flush(until_us)
        heard, self._heard = self._heard, []
        return heard

    def _write(self, record: Record) -> None:
        self._stamp(record)
        self._heard.append(record)

    def _press(self, record: Record) -> None:
        self._write(record)
        if record.press is not None:
            record.press.pressed_us = record.at_us


class Decisions:
    """One own player in the simulated world, asked at every row that is a decision.

    Args:
        seed: of the world.
        rules: the phases in which something is decided, and the reward.
        stake: what an action puts in.
        plan: the world (see `Arena`); lean frames by default, as they are read alike.
        keep_events: remember `events`, to write them down or to hand them to the stages.
    """

    _row: LiveRow
    _began: bool

    def __init__(
        self,
        seed: int,
        rules: SampleRules | None = None,
        stake: Stake | None = None,
        plan: Plan | None = None,
        *,
        keep_events: bool = False,
    ) -> None:
        self._rules, self._stake = rules or SampleRules(), stake or Stake()
        self._keeps = keep_events
        self._ear = _Ear()
        self._arena = Arena(seed, plan or Plan(payload=Payload.LEAN), self._new_ear)
        self._start()

    def reset(self, seed: int) -> None:
        """Start over with another world."""
        self._arena.reset(seed)
        self._start()

    @property
    def view(self) -> View:
        """What the player's client shows: for scripted policies."""
        return self._step.view

    @property
    def row(self) -> LiveRow:
        """The row at which is to be decided, or that the last decision of a game led to."""
        return self._row

    def next_game(self) -> LiveRow:
        """Go on, waiting, to the first decision of the next game."""
        left = self._row.episode_id if self._began else None
        while self._row.episode_id == left or self._row.phase not in self._rules.phases:
            self._row = self._next_row()
        self._began = True
        return self._row

    def decide(self, action: int) -> Decided:
        """Act at the present row and go on to the next one of the game.

        At a rug the reward counts what is settled until the next game opens: the world goes on to
        there, and the row where it stands is where `next_game` begins.

        Args:
            action: number of an action (`buttons.ACTIONS`).

        Raises:
            ValueError: there is no such action, or no decision is due (see `next_game`).
        """
        before = self._row
        if not self._began or before.phase not in self._rules.phases:
            raise ValueError("the game is over: go on to the next one first")
        if not 0 <= action < len(ACTIONS):
            raise ValueError(f"no action {action}: 0 to {len(ACTIONS) - 1}, {', '.join(ACTIONS)}")
        if action:
            self._arena.press(ACTIONS[action], self._stake.nano, self._stake.sell_percent)
        row = self._next_row()
        while row.episode_id != before.episode_id:
            row = self._next_row()
        self._row = row
        done = row.phase == Phase.RUGGED
        if done:
            self._settle()
        rewards = self._games.rewards(row.episode_id)
        truncated = not done and row.phase not in self._rules.phases
        return Decided(row, float(rewards[row.frame - 1]), done, truncated)

    def events(self) -> list[Event]:
        """All that the client has received and sent since the last `reset`, presses completed.

        In the forms that `live.record_of` takes, in order of arrival: what a recorder would hold.

        Raises:
            ValueError: they were not to be kept.
        """
        if not self._keeps:
            raise ValueError("keep_events=True remembers them")
        return [self._event(record) for record in self._all]

    def _new_ear(self) -> _Ear:
        self._ear = _Ear()
        return self._ear

    def _start(self) -> None:
        self._games = LiveGames(self._rules.reward)
        self._all: list[Record] = []
        self._ahead: list[LiveRow] = []
        self._waiting: list[tuple[Record, Press]] = []
        self._answered_us: dict[int, int] = {}
        self._began = False
        self._row = self._next_row()

    def _next_row(self) -> LiveRow:
        while not self._ahead:
            self._ahead += self._rows()
        return self._ahead.pop(0)

    def _settle(self) -> None:
        """Play on until the account at the rug is final; the rows on the way come next."""
        while not self._games.is_settled:
            self._ahead += self._rows()

    def _rows(self) -> Iterator[LiveRow]:
        """Go on to the next frame; the rows it makes."""
        self._step: Step = self._arena.step(())
        heard = self._ear.heard(self._step.view.now_us)
        if self._keeps:
            self._all += heard
        read = self._games.read([self._event(record) for record in heard])
        for record, event in zip(heard, read, strict=True):
            self._complete(record)
            row = self._games.take(event)
            if row is not None:
                yield row
            if record.press is not None and record.press.order is not None:
                self._waiting.append((record, record.press))

    def _complete(self, arrived: Record) -> None:
        """Complete the presses whose answer is what has arrived."""
        if arrived.event != ev.ANSWER:
            return
        left = []
        for record, press in self._waiting:
            if self._ear.is_answered(press, arrived.at_us):
                self._answered_us[press.number] = arrived.at_us
                self._games.complete(self._event(record))
            else:
                left.append((record, press))
        self._waiting = left

    def _event(self, record: Record) -> Event:
        stamp = moment(record.at_us).isoformat(timespec="microseconds")
        if record.press is not None:
            return {
                "doc_type": BUTTON_DOC,
                "ts": stamp,
                "player_id": record.player_id,
                "raw_json": self._pressed(record.press),
            }
        direction = "sent" if record.sent else "received"
        data = msgspec.Raw(record.data.encode())
        return {"event": record.event, "ts": stamp, "direction": direction, "data": data}

    def _pressed(self, press: Press) -> str:
        """The press record as the client has it now."""
        at_us = self._answered_us.get(press.number)
        if at_us is None:
            answered, press.answered = press.answered, None
            text = button_record(press)
            press.answered = answered
            return text
        said = json.loads(button_record(press))
        return json.dumps(said | {"server_ts": at_us / 1000})
