"""How an own player behaves: from what has arrived so far to the buttons to press.

In: a `View`. Out: buttons. Invariant: a policy sees only the view and its own generator; the same
view and draws give the same presses. Register another with `POLICIES`, or hand one to a `Client`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from rugs_assets.domain.simulator.accounts import NANO
from rugs_assets.domain.simulator.buttons import building, selling
from rugs_assets.domain.simulator.messages import ACTIVE, COOLDOWN, PRESALE
from rugs_assets.domain.simulator.randomness import chance


@dataclass(slots=True)
class View:
    """What the player's client knows, from messages that have arrived and from nothing else.

    Attributes:
        now_us: time of the last arrival, microseconds since 1970.
        game_id: game of the last frame, empty before any.
        phase: 0 COOLDOWN, 1 PRESALE, 2 ACTIVE, 3 RUGGED.
        tick: of the last frame that told one.
        price: likewise; 1.0 before the game starts.
        timer_ms: `cooldownTimer`.
        cash: 1e-9 SOL, as last told; None before.
        qty: tokens held, 1e-9.
        average_cost: 1e-9 SOL a token.
        bet_until: last tick of the open side bet, None without one.
        bet: amount set in the client, 1e-9 SOL.
        percent: share set for sales.
        prices: prices of the current game that arrived, by tick.
    """

    now_us: int = 0
    game_id: str = ""
    phase: int = COOLDOWN
    tick: int = 0
    price: float = 1.0
    timer_ms: int = 0
    cash: int | None = None
    qty: int = 0
    average_cost: int = 0
    bet_until: int | None = None
    bet: int = 0
    percent: int = 100
    prices: dict[int, float] = field(default_factory=dict)


class Policy(Protocol):
    """A player's mind."""

    def act(self, view: View, rng: Random) -> tuple[str, ...]:
        """The buttons to press now, in order; empty to wait. Asked after every frame."""
        ...


class RandomPolicy:
    """Presses anything that makes sense, now and then."""

    def act(self, view: View, rng: Random) -> tuple[str, ...]:
        """After one frame in a hundred in presale, three in a hundred in play."""
        if not view.cash or view.phase not in (PRESALE, ACTIVE):
            return ()
        if not chance(rng, 0.01 if view.phase == PRESALE else 0.03):
            return ()
        amount = min(view.cash, NANO // 1000 * rng.randrange(1, 60))
        choice = rng.randrange(5)
        if choice == 0 and view.bet_until is None:
            return building(amount, "SIDEBET")
        if choice <= 2 and view.qty:
            return selling((10, 25, 50, 100)[rng.randrange(4)])
        if choice == 3:
            return (("HALF", "DOUBLE", "INC_01", "CLEAR")[rng.randrange(4)],)
        return building(amount, "BUY")


class HoldPolicy:
    """Buys once before the game or early in it, and sells everything at a price of its liking."""

    def __init__(self) -> None:
        self._game, self._target = "", 0.0

    def act(self, view: View, rng: Random) -> tuple[str, ...]:
        """Buy 0.02 to 0.1, hold, sell at 1.1 to 2.5 times the cost."""
        if view.game_id != self._game and view.phase in (PRESALE, ACTIVE):
            if view.tick > 20 or not view.cash or not chance(rng, 0.03):
                return ()
            self._game, self._target = view.game_id, 1.1 + 1.4 * rng.random()
            return building(min(view.cash, rng.randrange(20, 101) * NANO // 1000), "BUY")
        if view.phase == ACTIVE and view.qty:
            value = view.price * NANO
            if value >= self._target * view.average_cost and view.average_cost:
                return selling(100)
        return ()


class MomentumPolicy:
    """Buys what has risen over five ticks, sells what has fallen."""

    def act(self, view: View, rng: Random) -> tuple[str, ...]:
        """Rise above 6 %: buy 0.01 to 0.05; fall below 5 %: sell half or all."""
        before = view.prices.get(view.tick - 5)
        if view.phase != ACTIVE or before is None or not view.cash:
            return ()
        change = view.price / before - 1
        if change > 0.06 and not view.qty:
            return building(min(view.cash, rng.randrange(10, 51) * NANO // 1000), "BUY")
        if change < -0.05 and view.qty:
            return selling((50, 100)[rng.randrange(2)])
        return ()


class SideBetPolicy:
    """Bets on the rug again and again, sometimes before the game starts."""

    def act(self, view: View, rng: Random) -> tuple[str, ...]:
        """0.001 to 0.01 whenever no bet is open and the mood is right."""
        if view.phase not in (PRESALE, ACTIVE) or view.bet_until is not None or not view.cash:
            return ()
        if not chance(rng, 0.01 if view.phase == PRESALE else 0.08):
            return ()
        return building(min(view.cash, rng.randrange(1, 11) * NANO // 1000), "SIDEBET")


POLICIES: Mapping[str, Callable[[], Policy]] = {
    "random": RandomPolicy,
    "hold": HoldPolicy,
    "momentum": MomentumPolicy,
    "side-better": SideBetPolicy,
}
"""The built-in policies by name."""
