"""All Hypothesis strategies of the typed events: streams as sessions could see them, and worse.

`streams` draws a session's rows of `raw_ws_events`: several games that may interleave, frames with
any of their fields missing, late and repeated ticks, gaps, rugs that come, come twice or never,
player updates, own and foreign leaderboard entries, presses, requests, answers and trades, in any
order. Numbers are drawn so that bits differ when an operation does (thirds, tenths, negatives).
"""

from __future__ import annotations

from itertools import chain

import hypothesis.strategies as st

from rugs_assets.domain import events as ev
from rugs_assets_tests.domain.builders import GAME_A, GAME_B, GAME_C, ME, Row, in_session

OTHER = "p-other"
GAMES = (GAME_A, GAME_B, GAME_C)

flags = st.one_of(st.none(), st.booleans())
games = st.sampled_from(GAMES)
maybe_games = st.one_of(st.none(), games)
ticks = st.integers(0, 12)
numbers = st.one_of(
    st.sampled_from([0.0, 1.0, 1 / 3, 0.1, 2.5, 1e-9, 123456.789, 1e15]),
    st.floats(0, 1e6, allow_nan=False, width=64),
)
signed = st.one_of(numbers, numbers.map(lambda number: -number))
maybe_number = st.one_of(st.none(), numbers)
trade_ids = st.sampled_from([None, "t1", "t2"])
times_ms = st.one_of(st.none(), st.integers(-2_000, 20_000).map(float))

_START_MS = 1_765_800_000_000.0  # 2025-12-15T12:00:00Z, the start of `builders.START`


def _absolute(since_ms: float | None) -> float | None:
    return None if since_ms is None else _START_MS + since_ms


@st.composite
def _entries(draw: st.DrawFn) -> Row:
    return {
        "player_id": draw(st.sampled_from([ME, OTHER])),
        "position_qty": draw(maybe_number),
        "avg_entry_price": draw(maybe_number),
        "cumulative_pnl": draw(st.one_of(st.none(), signed)),
        "total_invested": draw(maybe_number),
    }


@st.composite
def frames(draw: st.DrawFn) -> Row:
    """A gameStateUpdate of which any part may be missing."""
    row: Row = {
        "event": ev.FRAME,
        "episode_id": draw(games),
        "tick": draw(st.one_of(st.none(), ticks)),
        "price": draw(st.one_of(st.none(), numbers)),
        "active": draw(st.sampled_from([None, True, True, True, False])),
        "rugged": draw(st.sampled_from([None, False, False, False, True])),
        "allow_pre_round_buys": draw(flags),
        "cooldown_timer_ms": draw(maybe_number),
        "connected_players": draw(maybe_number),
    }
    if draw(st.booleans()):
        row |= {
            name: draw(maybe_number)
            for name in ("rugpool_amount", "rugpool_threshold", "average_multiplier", "count_2x")
        }
    if draw(st.booleans()):
        row |= draw(_entries())
    return row


@st.composite
def player_events(draw: st.DrawFn) -> Row:
    """Anything that the own player's connection carries."""
    event = draw(
        st.sampled_from(
            [
                ev.PLAYER_UPDATE,
                ev.PLAYER_UPDATE,
                ev.PLAYER_TICK,
                ev.USERNAME,
                ev.BUTTON,
                ev.BUTTON,
                ev.BUY_REQUEST,
                ev.SELL_REQUEST,
                ev.SIDEBET_REQUEST,
                ev.ANSWER,
                ev.TRADE,
            ]
        )
    )
    row: Row = {"event": event}
    if event in (ev.PLAYER_UPDATE, ev.PLAYER_TICK):
        row |= draw(_entries()) | {"balance": draw(maybe_number)}
        row["player_id"] = draw(st.sampled_from([ME, ME, None]))
        row["episode_id"] = draw(games) if event == ev.PLAYER_TICK else None
    if event == ev.USERNAME:
        row["player_id"] = draw(st.sampled_from([ME, OTHER]))
    if event == ev.BUTTON:
        row |= {
            "episode_id": draw(maybe_games),
            "player_id": draw(st.sampled_from([ME, None])),
            "button_id": draw(st.sampled_from(["BUY", "SELL", "INC_01", "SIDEBET"])),
            "press_tick": draw(st.one_of(st.none(), ticks)),
            "bet_amount": draw(maybe_number),
            "trade_tick": draw(st.one_of(st.none(), ticks)),
            "trade_price": draw(maybe_number),
            "client_timestamp_ms": _absolute(draw(times_ms)),
            "server_timestamp_ms": _absolute(draw(times_ms)),
            "latency_ms": draw(maybe_number),
            "trade_id": draw(trade_ids),
        }
    if event == ev.ANSWER:
        row |= {
            "trade_side": draw(st.sampled_from(["accepted", "refused", None])),
            "trade_price": draw(maybe_number),
            "server_timestamp_ms": _absolute(draw(times_ms)),
        }
    if event == ev.TRADE:
        row |= {
            "episode_id": draw(maybe_games),
            "player_id": draw(st.sampled_from([ME, OTHER])),
            "trade_side": draw(st.sampled_from(["buy", "sell", "short_open", None])),
            "trade_tick": draw(st.one_of(st.none(), ticks)),
            "trade_price": draw(maybe_number),
            "trade_id": draw(trade_ids),
        }
    return row


@st.composite
def played_games(draw: st.DrawFn) -> list[Row]:
    """A game as it is played, with gaps, repeats and own events in between."""
    game = draw(games)
    rows: list[Row] = []
    for timer in draw(st.lists(st.integers(0, 150), max_size=3)):
        opened = timer <= 100
        rows.append(
            {
                "event": ev.FRAME,
                "episode_id": game,
                "cooldown_timer_ms": timer * 100.0,
                "allow_pre_round_buys": opened,
            }
        )
    for tick in sorted(draw(st.lists(ticks, min_size=1, max_size=8))):
        rows.append(
            {
                "event": ev.FRAME,
                "episode_id": game,
                "tick": tick,
                "price": draw(numbers),
                "active": True,
                "rugged": False,
                "allow_pre_round_buys": False,
                "cooldown_timer_ms": 0.0,
            }
        )
        if draw(st.integers(0, 3)) == 0:
            rows.append(draw(player_events()))
    if draw(st.booleans()):
        rows.append(dict(rows[-1], event=ev.FRAME, episode_id=game, rugged=True, tick=13))
    return rows


streams = st.one_of(
    st.lists(st.one_of(frames(), frames(), player_events()), min_size=1, max_size=40),
    st.lists(played_games(), min_size=1, max_size=4).map(lambda played: list(chain(*played))),
).map(lambda rows: [dict(row) for row in rows])
"""Rows of one session, as dicts; events may name no game."""

sessions = streams.map(in_session)
"""The same as a batch in the schema `RAW_WS_EVENTS`, every event with its game."""
