"""Hypothesis strategies of captures: what a session's recorder could write, and worse.

`sessions` draws the records of one session as the wire sent them: games of three dates that may
interleave, frames of any shape, seeds revealed, the own player's updates, ticks, presses, requests
and answers, other players' trades. `split` says how a writer cut them into files.
"""

from __future__ import annotations

from itertools import chain

import hypothesis.strategies as st

from rugs_assets_tests.captures_builders import (
    GAME_A,
    GAME_B,
    ME,
    NEXT_DAY,
    NOON,
    OTHER,
    Record,
    at,
    game_history,
)

DAY_BEFORE = "20251214-dddddddddddddddd"
GAMES = (DAY_BEFORE, GAME_A, GAME_B, NEXT_DAY)
_NOON_MS = NOON.timestamp() * 1000

games = st.sampled_from(GAMES)
ticks = st.integers(0, 9)
numbers = st.sampled_from([0.0, 1, 1 / 3, 0.1, 2.5, 123456.789])
maybe = st.one_of(st.none(), numbers)
sides = st.sampled_from(["buy", "sell", "short_open"])
moments = st.one_of(st.none(), st.integers(-500, 20_000).map(lambda ms: _NOON_MS + ms))


def _only_sent(payload: Record) -> Record:
    """A payload without the fields that were not sent."""
    return {name: value for name, value in payload.items() if value is not None}


entries = st.builds(
    lambda who, qty, cost, pnl: _only_sent(
        {"id": who, "positionQty": qty, "avgCost": cost, "pnl": pnl, "totalInvested": cost}
    ),
    st.sampled_from([ME, OTHER]),
    maybe,
    maybe,
    maybe,
)


@st.composite
def frame_payloads(draw: st.DrawFn, game: str | None = None) -> Record:
    """A gameStateUpdate of which any part may be missing."""
    payload: Record = {
        "gameId": game or draw(games),
        "tickCount": draw(st.one_of(st.none(), ticks)),
        "price": draw(maybe),
        "active": draw(st.sampled_from([None, True, True, False])),
        "rugged": draw(st.sampled_from([None, False, False, True])),
        "allowPreRoundBuys": draw(st.sampled_from([None, False, True])),
        "cooldownTimer": draw(st.sampled_from([None, 0, 9_900, 14_900])),
        "connectedPlayers": draw(maybe),
        "highestToday": draw(maybe),
    }
    if draw(st.booleans()):
        payload["rugpool"] = {"rugpoolAmount": draw(numbers), "threshold": draw(numbers)}
    if draw(st.booleans()):
        payload["leaderboard"] = draw(st.lists(entries, max_size=2))
    if draw(st.integers(0, 3)) == 0:
        payload["gameHistory"] = [game_history(draw(games), draw(moments) or 0)]
    return _only_sent(payload)


@st.composite
def player_events(draw: st.DrawFn) -> tuple[str, Record | None]:
    """Anything that the own player's connection carries beside frames."""
    name = draw(
        st.sampled_from(
            [
                *("playerUpdate", "playerUpdate", "gameStatePlayerUpdate", "usernameStatus"),
                *("buyOrder", "sellOrder", "success", "success", "standard/newTrade"),
                *("button_event", "button_event", "currentSidebetResult", "ping"),
            ]
        )
    )
    entry = draw(entries)
    payloads: dict[str, Record] = {
        "playerUpdate": {**entry, "cash": draw(maybe), "cumulativePnL": draw(maybe)},
        "gameStatePlayerUpdate": {"gameId": draw(games), "leaderboardEntry": {**entry, "id": ME}},
        "usernameStatus": {"id": draw(st.sampled_from([ME, OTHER]))},
        "buyOrder": {"amount": draw(numbers)},
        "sellOrder": {"percentage": draw(numbers)},
        "success": {
            "success": draw(st.sampled_from([True, True, False])),
            "executedPrice": draw(maybe),
            "timestamp": draw(moments),
        },
        "standard/newTrade": {
            "id": draw(st.sampled_from(["t1", "t2"])),
            "gameId": draw(games),
            "playerId": draw(st.sampled_from([ME, OTHER])),
            "type": draw(sides),
            "price": draw(maybe),
            "tickIndex": draw(ticks),
        },
        "button_event": {
            "button_id": draw(st.sampled_from(["BUY", "SELL", "SELL_50", "INC_01"])),
            "button_category": draw(st.sampled_from(["action", "percentage"])),
            "game_id": draw(st.one_of(st.none(), games)),
            "player_id": draw(st.sampled_from([ME, None])),
            "tick": draw(ticks),
            "bet_amount": draw(maybe),
            "server_ts": draw(moments),
            "client_timestamp": draw(moments),
            "execution_tick": draw(st.one_of(st.none(), ticks)),
            "execution_price": draw(maybe),
            "latency_ms": draw(maybe),
        },
        "currentSidebetResult": {"payout": draw(numbers), "type": "payout"},
    }
    payload = payloads.get(name)
    return name, None if payload is None or draw(st.integers(0, 9)) == 0 else _only_sent(payload)


frames = frame_payloads().map(lambda payload: ("gameStateUpdate", payload))


@st.composite
def played_games(draw: st.DrawFn, game: str) -> list[tuple[str, Record | None]]:
    """A game as it is played, with own events in between."""
    shown: list[tuple[str, Record | None]] = []
    for timer in draw(st.sampled_from([(), (14_900, 9_900), (9_900, 100)])):
        opened = {"cooldownTimer": timer, "allowPreRoundBuys": timer <= 10_000}
        shown.append(("gameStateUpdate", {"gameId": game, **opened}))
    flags = {"active": True, "rugged": False, "allowPreRoundBuys": False, "cooldownTimer": 0}
    for tick in sorted(draw(st.lists(ticks, max_size=5))):
        running = {"gameId": game, "tickCount": tick, "price": draw(numbers), **flags}
        shown.append(("gameStateUpdate", running))
        shown += draw(st.lists(player_events(), max_size=1))
    if draw(st.booleans()):
        over = {"gameId": game, **flags, "tickCount": 10, "price": 0.01, "rugged": True}
        shown.append(("gameStateUpdate", over))
        shown += draw(st.lists(player_events(), max_size=2))
    return shown


_in_any_order = st.lists(st.one_of(frames, frames, player_events()), min_size=1, max_size=30)
_one_after_the_other = (
    st.lists(games, min_size=1, max_size=4, unique=True)
    .flatmap(lambda chosen: st.tuples(*(played_games(game) for game in sorted(chosen))))
    .map(lambda played: list(chain(*played)))
    .filter(bool)
)


def _numbered(shown: list[tuple[str, Record | None]]) -> list[Record]:
    return [
        {"seq": seq, "ts": at(seq / 4), "event": name, "data": payload}
        for seq, (name, payload) in enumerate(shown, 1)
    ]


sessions = st.one_of(_in_any_order, _one_after_the_other).map(_numbered)
"""The records of one session, in order of arrival."""

splits = st.lists(st.integers(1, 7), min_size=1, max_size=8)
"""How many records go into each of a session's files; the last one takes the rest."""
