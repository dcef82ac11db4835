"""The JSON of what the server sends: one function for each payload shape of the protocol.

In: the state of a game, and fragments that are already JSON. Out: JSON text, members in the order
of the real captures. Invariant: no shape has a member more or less than its real counterpart.
Nothing is decided here; what is sent when stands in `server`.
"""

from __future__ import annotations

from collections.abc import Iterable

from rugs_assets.domain.simulator.accounts import Account, SideBet
from rugs_assets.domain.simulator.entries import Trade, entry, side_bet
from rugs_assets.domain.simulator.games import MS, Game
from rugs_assets.domain.simulator.numbers import number, percent, sol, text
from rugs_assets.domain.simulator.rounds import Scene

_ROYALE = (
    '{"status": "INACTIVE", "activeEventId": null, "currentEvent": null, '
    '"upcomingEvents": [], "events": []}'
)
_COINS = (
    '[{"address": "0xPractice", "ticker": "FREE", "name": "Practice SOL", '
    '"max_bet": 10000, "max_win": 100000}]'
)
PARTIAL_PRICES = 5


def cooldown_frame(at: Scene) -> str:
    """The 7 members that come every 100 ms before a game."""
    return (
        f'{{"gameId": "{at.game.id}", "cooldownTimer": {at.timer}, "cooldownPaused": false, '
        f'"allowPreRoundBuys": {_boolean(at.presale)}, "leaderboard": [{at.leaderboard}], '
        f'"connectedPlayers": {at.players}, "provablyFair": {_fair(at.game)}}}'
    )


def start_frame(at: Scene) -> str:
    """The 14 members of the first word of tick 0."""
    return (
        f'{{"active": true, "price": 1, "rugged": false, "tickCount": 0, "cooldownTimer": 0, '
        f'"cooldownPaused": false, "pauseMessage": "", "allowPreRoundBuys": false, '
        f'"leaderboard": [], "gameId": "{at.game.id}", "connectedPlayers": {at.players}, '
        f'"gameVersion": "{at.game.version}", "partialPrices": {_partial(at)}, '
        f'"provablyFair": {_fair(at.game)}}}'
    )


def standard_frame(at: Scene, statistics: str, rugpool: str, trades: int) -> str:
    """The 21 members of a tick, of the opening of presale, of the rug."""
    return (
        f'{{"active": {_boolean(at.active)}, "price": {number(at.game.price(at.tick))}, '
        f'"partialPrices": {_partial(at)}, "tradeCount": {trades}, '
        f'"rugged": {_boolean(at.rugged)}, "tickCount": {at.tick}, "cooldownTimer": {at.timer}, '
        f'"cooldownPaused": false, "pauseMessage": "", "allowPreRoundBuys": '
        f'{_boolean(at.presale)}, {statistics}, "leaderboard": [{at.leaderboard}], '
        f'"gameId": "{at.game.id}", "connectedPlayers": {at.players}, "rugpool": {rugpool}, '
        f'"rugRoyale": {_ROYALE}, "provablyFair": {_fair(at.game)}}}'
    )


def full_frame(
    at: Scene, history: Iterable[str], statistics: str, best: str, *, connect: bool
) -> str:
    """The 36 members; on connect with all prices so far instead of the last five."""
    if connect:
        prices = [number(price) for price in at.game.curve[: at.tick + 1]]
        if at.rugged:
            prices.append(number(at.game.rug_price))
        shown = f'"prices": [{", ".join(prices)}]'
    else:
        shown = f'"partialPrices": {_partial(at)}'
    return (
        f'{{"gameHistory": [{", ".join(history)}], {statistics}, {best}, '
        f'"availableShitcoins": {_COINS}, "active": {_boolean(at.active)}, '
        f'"price": {number(at.game.price(at.tick))}, "rugged": {_boolean(at.rugged)}, '
        f'"tickCount": {at.tick}, "cooldownTimer": {at.timer}, "cooldownPaused": false, '
        f'"pauseMessage": "", "allowPreRoundBuys": {_boolean(at.presale)}, '
        f'"leaderboard": [{at.leaderboard}], "gameId": "{at.game.id}", '
        f'"connectedPlayers": {at.players}, "gameVersion": "{at.game.version}", {shown}, '
        f'"provablyFair": {_fair(at.game)}}}'
    )


def new_trade(trade: Trade, game_id: str) -> str:
    """`standard/newTrade`; sells and short closes have no leverage."""
    one, price, amount = trade.player, number(trade.price), sol(trade.amount)
    who = f'"username": {text(one.username)}, "level": {one.level}'
    head = f'{{"id": "{trade.id}", "gameId": "{game_id}", "playerId": "{one.id}"'
    parts = f'"bonusPortion": 0, "realPortion": {amount}, {who}}}'
    if trade.kind in ("buy", "short_open"):
        return (
            f'{head}, "price": {price}, "type": "{trade.kind}", "qty": {sol(trade.qty)}, '
            f'"tickIndex": {trade.tick}, "coin": "solana", "amount": {amount}, "leverage": 1, '
            f"{parts}"
        )
    return (
        f'{head}, "type": "{trade.kind}", "price": {price}, "tickIndex": {trade.tick}, '
        f'"coin": "solana", "amount": {amount}, "qty": {sol(trade.qty)}, {parts}'
    )


def player_update(one: Account, price: float, game_id: str) -> str:
    """`playerUpdate`: the own player's whole state."""
    bet = "null" if one.side_bet is None else side_bet(one.side_bet, game_id)
    pnl = one.pnl(price)
    return (
        f'{{"id": "{one.id}", "role": null, "cash": {sol(one.cash)}, "bonusBalance": 0, '
        f'"bonusWagerReq": 0, "bonusWagered": 0, "positionQty": {sol(one.qty)}, '
        f'"avgCost": {sol(one.average_cost)}, "cumulativePnL": {sol(pnl)}, '
        f'"sidebetPnl": {sol(one.side_pnl)}, "pnlPercent": {percent(pnl, one.invested)}, '
        f'"totalInvested": {sol(one.invested)}, "hasInteracted": {_boolean(one.at_stake)}, '
        f'"selectedCoin": null, "levelInfo": {{"level": {one.level}, "xp": 549, '
        f'"xpForNextLevel": 1500, "totalXP": 4049}}, "crateKeys": {{"gold": 0, "diamond": 0, '
        f'"coal": 0, "iron": 0, "tier0": 1}}, "recentCrateRewards": [], '
        f'"shitcoinBalances": {{"0xPractice": 100}}, "authenticated": true, '
        f'"hitMaxWin": false, "xpBoost": {{"active": false, "activeUntil": 0, "available": 0}}, '
        f'"sideBet": {bet}, "sidebets": [{"" if one.side_bet is None else bet}], '
        f'"shortPosition": null, "leveragedPositions": [], "autobuysEnabled": false, '
        f'"autosellPrice": null}}'
    )


def player_tick(
    one: Account, game: Game, tick: int, rugpool: str, trades: list[Trade] | None, *, active: bool
) -> str:
    """`gameStatePlayerUpdate`: the own leaderboard entry only while something is at stake."""
    own = ""
    if one.at_stake:
        own = f', "leaderboardEntry": {entry(one, game.price(tick), game.id, active=active)}'
    made = ""
    if trades is not None:
        made = f', "trades": [{", ".join([new_trade(trade, game.id) for trade in trades])}]'
    return f'{{"gameId": "{game.id}", "rugpool": {rugpool}{own}{made}}}'


def bet_placed(bet: SideBet, at_us: int) -> str:
    """`currentSidebet`."""
    return (
        f'{{"startTick": {bet.start}, "endTick": {bet.end}, "betAmount": {sol(bet.amount)}, '
        f'"xPayout": 5, "timestamp": {at_us // MS}, "type": "placed"}}'
    )


def bet_settled(trade: Trade) -> str:
    """`currentSidebetResult`; a lost bet pays 0."""
    return (
        f'{{"type": "payout", "betAmount": {sol(trade.qty)}, "payout": {sol(trade.amount)}, '
        f'"profit": {sol(trade.amount - trade.qty)}, "startTick": {trade.start}, '
        f'"endTick": {trade.start + 40}, "tickIndex": {trade.tick}, '
        f'"timestamp": {trade.at_us // MS}}}'
    )


def answer(at_us: int, *, price: float | None = None, reason: str | None = None) -> str:
    """`success`: the answer to a request, with the price of a trade or the reason of a refusal."""
    executed = "" if price is None else f'"executedPrice": {number(price)}, '
    refused = "" if reason is None else f'"reason": "{reason}", '
    return (
        f'{{"success": {_boolean(reason is None)}, {executed}{refused}"timestamp": {at_us // MS}}}'
    )


def _partial(at: Scene) -> str:
    """The last five prices; after the rug still those up to it."""
    end = min(at.tick, at.game.rug_tick) if at.active else 0
    first = max(0, end - PARTIAL_PRICES + 1)
    values = ", ".join([f'"{i}": {number(at.game.price(i))}' for i in range(first, end + 1)])
    return f'{{"startTick": {first}, "endTick": {end}, "values": {{{values}}}}}'


def _fair(game: Game) -> str:
    return f'{{"serverSeedHash": "{game.server_seed_hash}", "version": "{game.version}"}}'


def _boolean(value: bool) -> str:
    return "true" if value else "false"
