"""Money: one player's cash, position, side bet and profit, in integers of 1e-9 SOL.

In: orders that a server accepts. Out: what they moved. Invariant: nothing is created or lost; the
change of `cash` is to the last digit the sum of what was paid out less what was paid in. Prices are
the only floats, and every product with one is rounded to 1e-9 at once.
"""

from __future__ import annotations

from dataclasses import dataclass

NANO = 10**9
SIDE_BET_TICKS = 40
SIDE_BET_PAYS = 5


class Refused(Exception):
    """An order that the server does not carry out; the message is its reason."""


@dataclass(slots=True)
class SideBet:
    """A bet that the rug comes at or before tick `end`."""

    amount: int
    start: int
    end: int


@dataclass(slots=True)
class Short:
    """An open short position: `amount` SOL at `price`."""

    amount: int
    price: float


@dataclass(slots=True)
class Account:
    """A player. Amounts in 1e-9 SOL, `qty` in 1e-9 tokens.

    Attributes:
        id: the player.
        username: None where the player has chosen none.
        level: shown on the leaderboard.
        cash: free money.
        practice: plays with practice money.
        qty: tokens held.
        cost: what the tokens held have cost.
        invested: everything put in during this game, side bets included.
        realised: profit of the sales of this game.
        side_pnl: profit of the side bets settled in this game.
        short_pnl: profit of the shorts closed in this game.
        side_bet: the open side bet.
        short: the open short.
        rank: place on the leaderboard when it was last put up, from 1.
    """

    id: str
    username: str | None
    level: int
    cash: int
    practice: bool = False
    qty: int = 0
    cost: int = 0
    invested: int = 0
    realised: int = 0
    side_pnl: int = 0
    short_pnl: int = 0
    side_bet: SideBet | None = None
    short: Short | None = None
    rank: int = 1

    def open_game(self) -> None:
        """Forget the last game's figures; positions and bets were settled at its rug."""
        self.invested = self.realised = self.side_pnl = self.short_pnl = 0

    @property
    def at_stake(self) -> bool:
        """Whether the player has put anything into this game."""
        return self.invested > 0

    @property
    def average_cost(self) -> int:
        """What a token held has cost, 1e-9 SOL."""
        return (self.cost * NANO + self.qty // 2) // self.qty if self.qty else 0

    def pnl(self, price: float) -> int:
        """Profit of this game at a price, settled or not."""
        value = int(self.qty * price + 0.5)
        return self.realised + value - self.cost + self.side_pnl + self.short_pnl

    def buy(self, amount: int, price: float) -> int:
        """Spend `amount`; returns the tokens bought."""
        self._pay(amount)
        qty = int(amount / price + 0.5)
        self.qty += qty
        self.cost += amount
        return qty

    def sell(self, percent: int, price: float) -> tuple[int, int]:
        """Sell a share of the position; returns the tokens sold and the SOL received."""
        qty = self.qty * percent // 100
        if qty <= 0:
            raise Refused("no position to sell")
        amount = int(qty * price + 0.5)
        cost = self.cost * qty // self.qty
        self.qty -= qty
        self.cost -= cost
        self.realised += amount - cost
        self.cash += amount
        return qty, amount

    def place_side_bet(self, amount: int, tick: int) -> SideBet:
        """Bet that the rug comes within 40 ticks of `tick`."""
        if self.side_bet is not None:
            raise Refused("a side bet is already active")
        self._pay(amount)
        self.side_bet = SideBet(amount, tick, tick + SIDE_BET_TICKS)
        return self.side_bet

    def settle_side_bet(self, *, won: bool) -> tuple[SideBet, int]:
        """Close the open side bet; returns it and its payout, 0 when lost."""
        bet = self.side_bet
        if bet is None:
            raise Refused("no side bet to settle")
        payout = SIDE_BET_PAYS * bet.amount if won else 0
        self.side_bet = None
        self.cash += payout
        self.side_pnl += payout - bet.amount
        return bet, payout

    def open_short(self, amount: int, price: float) -> int:
        """Go short for `amount`; returns the tokens."""
        if self.short is not None:
            raise Refused("a short is already open")
        self._pay(amount)
        self.short = Short(amount, price)
        return int(amount / price + 0.5)

    def close_short(self, price: float) -> tuple[int, int]:
        """Close the short; returns the tokens and the SOL received."""
        short = self.short
        if short is None:
            raise Refused("no short to close")
        amount = max(0, int(short.amount * (2 - price / short.price) + 0.5))
        self.short = None
        self.short_pnl += amount - short.amount
        self.cash += amount
        return int(short.amount / short.price + 0.5), amount

    def _pay(self, amount: int) -> None:
        if amount < NANO // 1000:
            raise Refused("the smallest bet is 0.001")
        if amount > self.cash:
            raise Refused("insufficient balance")
        self.cash -= amount
        self.invested += amount
