"""The other players: what they hold, what they trade, and the leaderboard they stand on.

In: the beats of a game. Out: `Trade`s, which are the truth of the market, and the JSON of the
leaderboard. Grain: one trade. Invariant: every trade goes through an `Account`, so the others'
money is conserved like the own player's. Own players stand on the same leaderboard.
"""

from __future__ import annotations

from random import Random

from rugs_assets.domain.simulator.accounts import NANO, Account, Refused
from rugs_assets.domain.simulator.entries import Trade, bet_entry, entry
from rugs_assets.domain.simulator.games import Game
from rugs_assets.domain.simulator.randomness import chance, hexadecimal, uuid

_POPULATION = 120
_AMOUNTS = (1, 1, 2, 5, 10, 20, 50, 72, 100, 100, 200, 500, 721, 1000, 3000)
_PURSE = 10_000 * NANO


class Market:
    """The crowd of one game after the other.

    Attributes:
        trades: the trades of the current game that can be announced, in order.
        count: `tradeCount`.
        sidebets: JSON of the `globalSidebets` of the current game.
    """

    def __init__(self, rng: Random, own: list[Account], shown: int, *, lean: bool) -> None:
        self._rng, self._own, self._shown, self._lean = rng, own, shown, lean
        self._crowd = [_stranger(rng) for _ in range(_POPULATION)]
        self._here: list[Account] = []
        self.trades: list[Trade] = []
        self.sidebets: list[str] = []
        self.count = 0
        self.players = 250

    def open(self) -> None:
        """A new game: the last one's figures are forgotten and another crowd is here."""
        for account in (*self._crowd, *self._own):
            account.open_game()
        size = self._rng.randrange(25, 60)
        self._here = self._rng.sample(self._crowd, size)
        self.trades, self.sidebets = [], []
        self.count = 0

    def drift(self) -> int:
        """How many are connected now."""
        self.players = min(400, max(120, self.players + self._rng.randrange(-2, 3)))
        return self.players

    def presale(self, game: Game, at_us: int) -> list[Trade]:
        """What the crowd does in a step of the presale."""
        made = []
        if chance(self._rng, 0.45):
            who = self._here[self._rng.randrange(len(self._here))]
            kind = "sidebet" if chance(self._rng, 0.08) else "buy"
            made = self._attempt(who, kind, game, 0, at_us)
        return made

    def tick(self, game: Game, tick: int, at_us: int) -> list[Trade]:
        """What the crowd does in a tick, lost side bets included."""
        made: list[Trade] = []
        for account in self._here:
            bet = account.side_bet
            if bet is not None and tick >= bet.end:
                made.append(self.settle(game, account, tick, at_us, won=False))
        for _ in range(int(self._rng.random() * 4)):
            who = self._here[self._rng.randrange(len(self._here))]
            made += self._attempt(who, self._choose(who), game, tick, at_us)
        return made

    def rug(self, game: Game, at_us: int) -> list[Trade]:
        """Settle everything that is open, own players included, at the rug price."""
        made: list[Trade] = []
        for account in (*self._own, *self._here):
            if account.qty:
                qty, amount = account.sell(100, game.rug_price)
                made.append(self.log(account, "sell", amount, qty, game, at_us, forced=True))
            if account.short is not None:
                qty, amount = account.close_short(game.rug_price)
                made.append(self.log(account, "short_close", amount, qty, game, at_us, forced=True))
            if account.side_bet is not None:
                won = game.rug_tick <= account.side_bet.end
                made.append(self.settle(game, account, game.rug_tick, at_us, won=won))
        return made

    def losses(self) -> int:
        """What the losers of this game have lost, 1e-9 SOL."""
        return -sum(min(0, one.realised) for one in self._here)

    def log(
        self,
        account: Account,
        kind: str,
        amount: int,
        qty: int,
        game: Game,
        at_us: int,
        *,
        tick: int | None = None,
        forced: bool = False,
        start: int = 0,
    ) -> Trade:
        """Note a trade that an account has made; at the rug where no tick is given."""
        tick = game.rug_tick if tick is None else tick
        price, name = game.price(tick), uuid(self._rng)
        trade = Trade(name, account, kind, amount, qty, price, tick, at_us, forced, start)
        if trade.is_bet:
            if not self._lean:
                self.sidebets.append(bet_entry(trade, game))
        else:
            self.count += 1
            self.trades.append(trade)
        return trade

    def settle(self, game: Game, account: Account, tick: int, at_us: int, *, won: bool) -> Trade:
        """Settle an account's side bet; `qty` of the trade is what had been bet."""
        bet, payout = account.settle_side_bet(won=won)
        return self.log(
            account,
            "payout",
            payout,
            bet.amount,
            game,
            at_us,
            tick=tick,
            forced=True,
            start=bet.start,
        )

    def leaderboard(self, game: Game, tick: int, *, active: bool) -> str:
        """JSON of the best of those with something at stake; `active`: with the profit's parts."""
        price = game.price(tick)
        stakes = [one for one in (*self._own, *self._here) if one.invested]
        ranked = sorted(stakes, key=lambda one: (-one.pnl(price), -one.invested, one.id))
        for rank, one in enumerate(ranked, 1):
            one.rank = rank
        shown = ranked[: self._shown]
        return ", ".join([entry(one, price, game.id, active=active) for one in shown])

    def _choose(self, who: Account) -> str:
        draw = self._rng.random()
        if draw < 0.06 and who.side_bet is None:
            return "sidebet"
        if draw > 0.97:
            return "short_open" if who.short is None else "short_close"
        return "sell" if who.qty and draw > 0.5 else "buy"

    def _attempt(self, who: Account, kind: str, game: Game, tick: int, at_us: int) -> list[Trade]:
        rng, price = self._rng, game.price(tick)
        amount = _AMOUNTS[rng.randrange(len(_AMOUNTS))] * NANO // 1000
        share = (10, 25, 50, 100, 100, 100)[rng.randrange(6)]
        try:
            if kind == "buy":
                qty = who.buy(amount, price)
            elif kind == "sell":
                qty, amount = who.sell(share, price)
            elif kind == "sidebet":
                qty = who.place_side_bet(amount, tick).amount
            elif kind == "short_open":
                qty = who.open_short(amount, price)
            else:
                qty, amount = who.close_short(price)
        except Refused:
            return []
        return [self.log(who, kind, amount, qty, game, at_us, tick=tick)]


def _stranger(rng: Random) -> Account:
    username = None if chance(rng, 0.1) else f"player-{hexadecimal(rng, 8)}"
    player, level = f"did:privy:{hexadecimal(rng, 24)}", rng.randrange(1, 70)
    return Account(player, username, level, _PURSE, practice=chance(rng, 0.05))
