"""Trades, and the JSON of players: leaderboard entries and side bets.

In: accounts and what they did. Out: JSON text, members in the order of the real captures.
Nothing is decided here.
"""

from __future__ import annotations

from dataclasses import dataclass

from rugs_assets.domain.simulator.accounts import Account, SideBet
from rugs_assets.domain.simulator.games import MS, Game
from rugs_assets.domain.simulator.numbers import number, percent, sol, text

SOLANA = "So11111111111111111111111111111111111111112"
PRACTICE = (
    '{"address": "0xPractice", "ticker": "FREE", "name": "Free Practice Token", '
    '"max_bet": 10000, "max_win": 50000, "logoURI": "/icons/Icon_Free_Solana.png"}'
)


@dataclass(frozen=True, slots=True)
class Trade:
    """Something a player did or was made to do, as the server knows it; amounts in 1e-9.

    Attributes:
        kind: `buy`, `sell`, `short_open`, `short_close`, `sidebet` or `payout`.
        forced: sold or settled by the rug or by time, not by the player.
        start: tick at which a side bet that is now settled was placed.
    """

    id: str
    player: Account
    kind: str
    amount: int
    qty: int
    price: float
    tick: int
    at_us: int
    forced: bool = False
    start: int = 0

    @property
    def is_bet(self) -> bool:
        """Whether it is about a side bet, which the feed does not carry."""
        return self.kind in ("sidebet", "payout")


def side_bet(bet: SideBet, game_id: str) -> str:
    """JSON of an open side bet."""
    return (
        f'{{"startedAtTick": {bet.start}, "gameId": "{game_id}", "end": {bet.end}, '
        f'"betAmount": {sol(bet.amount)}, "xPayout": 5, "coinAddress": "{SOLANA}", '
        f'"bonusPortion": 0, "realPortion": {sol(bet.amount)}}}'
    )


def entry(one: Account, price: float, game_id: str, *, active: bool) -> str:
    """JSON of a leaderboard entry; in presale it lacks the parts of the profit."""
    pnl = one.pnl(price)
    shares = (
        f'"regularPnl": {sol(pnl - one.side_pnl - one.short_pnl)}, '
        f'"sidebetPnl": {sol(one.side_pnl)}, "shortPnl": {sol(one.short_pnl)}, '
        if active
        else ""
    )
    ratio = f'"pnlPercent": {percent(pnl, one.invested)}, '
    bet, on = "null", "null"
    if one.side_bet is not None:
        bet, on = side_bet(one.side_bet, game_id), "true"
    short = "null"
    if one.short is not None:
        short = f'{{"amount": {sol(one.short.amount)}, "entryPrice": {number(one.short.price)}}}'
    return (
        f'{{"id": "{one.id}", "username": {text(one.username)}, "level": {one.level}, '
        f'"pnl": {sol(pnl)}, {shares or ratio}"sidebetActive": {on}, "sideBet": {bet}, '
        f'"shortPosition": {short}, {ratio if active else ""}"hasActiveTrades": true, '
        f'"positionQty": {sol(one.qty)}, "avgCost": {sol(one.average_cost)}, '
        f'"totalInvested": {sol(one.invested)}, '
        f'"selectedCoin": {PRACTICE if one.practice else "null"}, "position": {one.rank}}}'
    )


def bet_entry(trade: Trade, game: Game) -> str:
    """JSON of a `globalSidebets` entry: placed, lost, or won (which has price and level)."""
    one, at = trade.player, trade.at_us // MS
    coin = f'"xPayout": 5, "coinAddress": "{"0xPractice" if one.practice else SOLANA}"'
    if trade.kind == "sidebet":
        return (
            f'{{"playerId": "{one.id}", "username": {text(one.username)}, "gameId": "{game.id}", '
            f'"betAmount": {sol(trade.amount)}, {coin}, "bonusPortion": 0, '
            f'"realPortion": {sol(trade.amount)}, "timestamp": {at}, "type": "placed", '
            f'"startedAtTick": {trade.tick}, "end": {trade.tick + 40}, "id": "{trade.id}"}}'
        )
    # A lost bet says no level and no price, and the tick at which it was placed.
    won = trade.amount > 0
    level = f'"level": {one.level}, ' if won else ""
    price = f'"price": {number(trade.price)}, ' if won else ""
    return (
        f'{{"playerId": "{one.id}", "gameId": "{game.id}", "username": {text(one.username)}, '
        f'{level}"betAmount": {sol(trade.qty)}, "payout": {sol(trade.amount)}, '
        f'"profit": {sol(trade.amount - trade.qty)}, {coin}, "endTick": {trade.start + 40}, '
        f'"startTick": {trade.start}, "tickIndex": {trade.tick if won else trade.start}, '
        f'{price}"timestamp": {at}, "type": "payout", "id": "{trade.id}"}}'
    )
