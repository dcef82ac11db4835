"""The own player's client: what it knows, what its player presses, what it records of that.

In: messages as they arrive. Out: presses (as the client records them) and orders. Invariants: the
view rests on what has arrived; a record holds what the client showed at the press, and its last
fields stay empty until an answer has arrived.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from random import Random

from rugs_assets.domain.simulator.accounts import Account
from rugs_assets.domain.simulator.buttons import (
    ACTIONS,
    BUTTONS,
    SHARES,
    UNKNOWN_BUTTON,
    adjusted,
)
from rugs_assets.domain.simulator.games import MS
from rugs_assets.domain.simulator.messages import (
    ACTIVE,
    COOLDOWN,
    PRESALE,
    RUGGED,
    Answered,
    Frame,
    Message,
    Order,
    Told,
)
from rugs_assets.domain.simulator.policies import Policy, View
from rugs_assets.domain.simulator.randomness import chance, uuid

_EVENTS = {"BUY": "buyOrder", "SELL": "sellOrder", "SIDEBET": "requestSidebet"}


@dataclass(slots=True)
class Press:
    """A press as the client records it; amounts in 1e-9, times in microseconds since 1970.

    Attributes:
        number: of the press, within its client.
        order: what it asked of the server; None for all but actions.
        answered: what came back; None until then.
        in_position_since: tick at which the position was opened, None without one.
    """

    number: int
    pressed_us: int
    button: str
    game_id: str
    phase: int
    tick: int
    price: float
    cash: int
    qty: int
    bet: int
    since_last_action: int
    sequence_id: str
    sequence_position: int
    order: Order | None = None
    answered: Answered | None = None
    in_position_since: int | None = None


class Client:
    """One player's client during one session.

    Args:
        account: whose; the client uses its id and name, never its money.
        policy: who presses.
        rng: of the policy and of the player's clumsiness.
        clumsy: probability for each frame of a press that is no use.

    Attributes:
        blunders: presses that were no use, so far.
    """

    def __init__(self, account: Account, policy: Policy, rng: Random, clumsy: float = 0.0) -> None:
        self.account, self.policy, self.view = account, policy, View()
        self._rng, self._clumsy = rng, clumsy
        self._plan: deque[str] = deque()
        self._waiting: dict[int, Press] = {}
        self._sequence, self._position, self._presses = "", 0, 0
        self.blunders = 0
        self._acted_tick: int | None = None
        self._opened_tick: int | None = None

    def arrive(self, message: Message, at_us: int) -> bool:
        """Take in a message; returns whether presses are planned now that were not before."""
        view, meaning = self.view, message.meaning
        view.now_us = at_us
        if isinstance(meaning, Told):
            view.cash, view.average_cost = meaning.cash, meaning.average_cost
            self._hold(meaning.qty)
            view.bet_until = meaning.bet_until
        elif isinstance(meaning, Answered):
            press = self._waiting.pop(meaning.order.number, None)
            if press is not None:
                press.answered = meaning
        elif isinstance(meaning, Frame):
            self._see(meaning)
            return not self._plan and self._decide()
        return False

    def has_plan(self) -> bool:
        """Whether another press of the current sequence is due."""
        return bool(self._plan)

    def press(self, at_us: int) -> Press:
        """Press the next button of the plan."""
        view, button = self.view, self._plan.popleft()
        view.bet = adjusted(button, view.bet, view.cash or 0)
        view.percent = SHARES.get(button, view.percent)
        last = self._acted_tick
        press = Press(
            self._presses,
            at_us,
            button,
            view.game_id,
            view.phase,
            view.tick,
            view.price,
            view.cash or 0,
            view.qty,
            view.bet,
            view.tick if last is None else view.tick - last,
            self._sequence,
            self._position,
            in_position_since=self._opened_tick,
        )
        self._acted_tick = view.tick
        self._presses += 1
        self._position += 1
        if button in ACTIONS:
            value = view.percent if button == "SELL" else view.bet
            press.order = Order(press.number, _EVENTS[button], value, at_us + MS)
            self._waiting[press.number] = press
        return press

    def plan(self, presses: tuple[str, ...]) -> None:
        """Start a sequence of presses."""
        self._plan.extend(presses)
        self._sequence, self._position = uuid(self._rng), 0

    def disconnect(self) -> None:
        """The line is gone: what was planned or asked is lost."""
        self._plan.clear()
        self._waiting.clear()

    def _decide(self) -> bool:
        if self._clumsy and chance(self._rng, self._clumsy):
            self.blunders += 1
            presses: tuple[str, ...] = (UNKNOWN_BUTTON,)
            if self.view.phase in (COOLDOWN, RUGGED):
                presses = (BUTTONS[self._rng.randrange(len(BUTTONS))],)
        else:
            presses = self.policy.act(self.view, self._rng)
        if presses:
            self.plan(presses)
        return bool(presses)

    def _see(self, frame: Frame) -> None:
        view = self.view
        if frame.game.id != view.game_id:
            if view.game_id and frame.phase == RUGGED:
                return  # the last game's last frame, overtaken by the next game's first
            view.game_id, view.tick, view.price = frame.game.id, 0, 1.0
            view.prices = {}
            self._acted_tick = None
        view.phase, view.timer_ms = frame.phase, frame.timer
        if frame.phase in (ACTIVE, RUGGED) and frame.tick is not None and frame.price is not None:
            if frame.tick >= view.tick:
                view.tick, view.price = frame.tick, frame.price
            view.prices[frame.tick] = frame.price
        elif frame.phase in (COOLDOWN, PRESALE):
            view.tick, view.price = 0, 1.0

    def _hold(self, qty: int) -> None:
        view = self.view
        if qty and not view.qty:
            self._opened_tick = view.tick
        elif not qty:
            self._opened_tick = None
        view.qty = qty
