"""The typed events: which kinds the domain reads, and the columns they fill.

In: nothing. Out: the names of the events and the Arrow schemas of what is read from them.
Grain: one row is one event of a capture. Invariants: a column is null where the wire did not send
the value (a missing field is not a zero); no raw payload, no name, no chat; player ids are
pseudonyms. How bytes become events stands in ``capture``; what dates and games they belong to in
``sessions``.
"""

from __future__ import annotations

import pyarrow as pa

from rugs_assets.domain.columns import Column, optional, required

FRAME = "gameStateUpdate"
PLAYER_TICK = "gameStatePlayerUpdate"
PLAYER_UPDATE = "playerUpdate"
USERNAME = "usernameStatus"
TRADE = "standard/newTrade"
ANSWER = "success"
BUTTON = "button_event"
BUY_REQUEST = "buyOrder"
SELL_REQUEST = "sellOrder"
SIDEBET_REQUEST = "requestSidebet"
SIDEBET_PLACED = "currentSidebet"
SIDEBET_RESULT = "currentSidebetResult"

FREQUENT = frozenset({FRAME, PLAYER_TICK})

REVEALED = pa.struct(
    [
        optional("game_id", pa.string()),
        optional("server_seed", pa.string()),
        optional("server_seed_hash", pa.string()),
        optional("game_version", pa.string()),
        optional("rugged_at_ms", pa.float64()),
        optional("peak_multiplier", pa.float64()),
        optional("prices", pa.list_(pa.float64())),
    ]
)
"""A finished game as `gameHistory` revealed it; ``prices`` ends with the rug price."""

FRAME_FIELDS: tuple[tuple[str, str, pa.DataType], ...] = (
    ("tick", "tick_count", pa.int32()),
    ("price", "price", pa.float64()),
    ("cooldown_timer_ms", "cooldown_timer", pa.float64()),
    ("allow_pre_round_buys", "allow_pre_round_buys", pa.bool_()),
    ("active", "active", pa.bool_()),
    ("rugged", "rugged", pa.bool_()),
    ("connected_players", "connected_players", pa.float64()),
    ("average_multiplier", "average_multiplier", pa.float64()),
    ("count_2x", "count2x", pa.float64()),
    ("count_10x", "count10x", pa.float64()),
    ("count_50x", "count50x", pa.float64()),
    ("count_100x", "count100x", pa.float64()),
    ("highest_today", "highest_today", pa.float64()),
    ("game_version", "game_version", pa.string()),
    ("trade_count", "trade_count", pa.float64()),
)
"""Column, attribute of `protocol.Payload` and type of what a frame sends directly."""

NESTED_FIELDS: tuple[tuple[str, pa.DataType], ...] = (
    ("rugpool_amount", pa.float64()),
    ("rugpool_threshold", pa.float64()),
    ("instarug_count", pa.float64()),
    ("server_seed_hash", pa.string()),
    ("revealed", pa.list_(REVEALED)),
)
"""What a frame (the rug pool also: a player tick) sends inside other objects."""

OWN_FIELDS: tuple[tuple[str, pa.DataType], ...] = (
    ("player_id", pa.string()),
    ("balance", pa.float64()),
    ("position_qty", pa.float64()),
    ("avg_entry_price", pa.float64()),
    ("cumulative_pnl", pa.float64()),
    ("total_invested", pa.float64()),
)
"""A player's state: of the own player, or for a trade the trader's id."""

RARE_FIELDS: tuple[tuple[str, pa.DataType], ...] = (
    ("trade_id", pa.string()),
    ("trade_side", pa.string()),
    ("amount", pa.float64()),
    ("qty", pa.float64()),
    ("sell_percentage", pa.float64()),
    ("trade_price", pa.float64()),
    ("trade_tick", pa.int32()),
    ("x_payout", pa.float64()),
    ("payout", pa.float64()),
    ("profit", pa.float64()),
    ("start_tick", pa.int32()),
    ("end_tick", pa.int32()),
    ("button_id", pa.string()),
    ("button_category", pa.string()),
    ("press_tick", pa.int32()),
    ("press_price", pa.float64()),
    ("press_phase", pa.int32()),
    ("bet_amount", pa.float64()),
    ("sequence_id", pa.string()),
    ("sequence_position", pa.int32()),
    ("client_timestamp_ms", pa.float64()),
    ("server_timestamp_ms", pa.float64()),
    ("latency_ms", pa.float64()),
)
"""Trades, requests, answers, side bets and button presses."""

TYPED: tuple[Column, ...] = tuple(
    optional(name, dtype)
    for name, dtype in (
        *((name, dtype) for name, _, dtype in FRAME_FIELDS),
        *NESTED_FIELDS,
        *OWN_FIELDS,
        *RARE_FIELDS,
    )
)

RAW_WS_EVENTS = pa.schema(
    [
        required("session_id", pa.string()),
        required("seq", pa.int64()),
        required("received_at", pa.timestamp("us", "UTC")),
        required("event", pa.string()),
        required("direction", pa.string()),
        optional("episode_id", pa.string()),
        required("is_context", pa.bool_()),
        required("source_file", pa.string()),
        required("source_position", pa.int64()),
        *TYPED,
    ]
)
"""The schema of `raw_ws_events`: one row an event that is used, in order of arrival per session."""

REJECTED_INPUT = pa.schema(
    [
        required("source_file", pa.string()),
        required("source_position", pa.int64()),
        required("reason", pa.string()),
        required("byte_length", pa.int64()),
        required("raw_text", pa.string()),
    ]
)
"""The schema of `rejected_input`: one row a piece of input that is no event, with the reason."""
