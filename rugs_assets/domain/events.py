"""The typed events: which kinds the domain reads, and the columns they fill.

In: nothing. Out: the Arrow schemas of `raw_ws_events` and of a decoded capture, and for each kind
of event the struct of its payload and the columns made of it.
Grain: one row is one event of a capture. Invariants: a column is null where the wire did not send
the value (a missing field is not a zero); no raw payload, no name, no chat; player ids are
pseudonyms. How bytes become events stands in ``capture``; what dates and games they belong to in
``sessions``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
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

Cells = dict[str, Any]
Pseudonym = Callable[[str], str]


class PlayerUpdatePayload(msgspec.Struct, rename="camel"):
    """`playerUpdate`: the own player's state after a change of it."""

    id: str | None = None
    cash: float | None = None
    position_qty: float | None = None
    avg_cost: float | None = None
    cumulative_pn_l: float | None = msgspec.field(default=None, name="cumulativePnL")
    total_invested: float | None = None
    selected_coin: msgspec.Raw = msgspec.Raw()


class UsernamePayload(msgspec.Struct):
    """`usernameStatus`: names the own player."""

    id: str | None = None


class TradePayload(msgspec.Struct, rename="camel"):
    """`standard/newTrade`: a trade of any player."""

    id: str | None = None
    game_id: str | None = None
    player_id: str | None = None
    type: str | None = None
    amount: float | None = None
    qty: float | None = None
    price: float | None = None
    tick_index: float | None = None
    coin: str | None = None


class RequestPayload(msgspec.Struct, rename="camel"):
    """`buyOrder`, `sellOrder` and `requestSidebet`: what the own player asked for."""

    amount: float | None = None
    percentage: float | None = None
    x_payout: float | None = None


class AnswerPayload(msgspec.Struct, rename="camel"):
    """`success`: the server's answer to a request."""

    success: bool | None = None
    executed_price: float | None = None
    timestamp: str | float | None = None


class SidebetPayload(msgspec.Struct, rename="camel"):
    """`currentSidebet` and `currentSidebetResult`."""

    start_tick: float | None = None
    end_tick: float | None = None
    bet_amount: float | None = None
    x_payout: float | None = None
    payout: float | None = None
    profit: float | None = None
    timestamp: str | float | None = None
    type: str | None = None


class ButtonPayload(msgspec.Struct):
    """A press as the player's own client recorded it (``doc_type=button_event``)."""

    server_ts: str | float | None = None
    button_id: str | None = None
    button_category: str | None = None
    tick: float | None = None
    price: float | None = None
    game_id: str | None = None
    bet_amount: float | None = None
    sequence_id: str | float | None = None
    sequence_position: float | None = None
    execution_tick: float | None = None
    execution_price: float | None = None
    trade_id: str | None = None
    client_timestamp: str | float | None = None
    latency_ms: float | None = None
    player_id: str | None = None


Stamp = Callable[[str | float | None], float | None]


@dataclass(frozen=True, slots=True)
class Rare:
    """How a rare event is read.

    Attributes:
        payload: the struct of its payload.
        cells: payload -> the columns it fills, by name; ``game_id`` is the game it names.
    """

    payload: type[msgspec.Struct]
    cells: Callable[[Any, Pseudonym, Stamp], Cells]


def is_practice(selected_coin: msgspec.Raw) -> bool:
    """Whether a player state is in practice money: its position is no SOL and is not read."""
    return bytes(selected_coin) not in (b"", b"null")


def _player_update(p: PlayerUpdatePayload, pseudonym: Pseudonym, _: Stamp) -> Cells:
    cells: Cells = {"player_id": pseudonym(p.id) if p.id else None, "balance": p.cash}
    if not is_practice(p.selected_coin):
        cells |= {
            "position_qty": p.position_qty,
            "avg_entry_price": p.avg_cost,
            "cumulative_pnl": p.cumulative_pn_l,
            "total_invested": p.total_invested,
        }
    return cells


def _username(p: UsernamePayload, pseudonym: Pseudonym, _: Stamp) -> Cells:
    return {"player_id": pseudonym(p.id) if p.id else None}


def _trade(p: TradePayload, pseudonym: Pseudonym, _: Stamp) -> Cells:
    return {
        "game_id": p.game_id,
        "player_id": pseudonym(p.player_id) if p.player_id else None,
        "trade_id": p.id,
        "trade_side": p.type,
        "amount": p.amount,
        "qty": p.qty,
        "trade_price": p.price,
        "trade_tick": p.tick_index,
    }


def _request(p: RequestPayload, _: Pseudonym, __: Stamp) -> Cells:
    return {"amount": p.amount, "sell_percentage": p.percentage, "x_payout": p.x_payout}


def _answer(p: AnswerPayload, _: Pseudonym, stamp: Stamp) -> Cells:
    return {
        "trade_side": None if p.success is None else ("accepted" if p.success else "refused"),
        "trade_price": p.executed_price,
        "server_timestamp_ms": stamp(p.timestamp),
    }


def _sidebet(p: SidebetPayload, _: Pseudonym, stamp: Stamp) -> Cells:
    return {
        "trade_side": p.type,
        "bet_amount": p.bet_amount,
        "x_payout": p.x_payout,
        "payout": p.payout,
        "profit": p.profit,
        "start_tick": p.start_tick,
        "end_tick": p.end_tick,
        "server_timestamp_ms": stamp(p.timestamp),
    }


def _button(p: ButtonPayload, pseudonym: Pseudonym, stamp: Stamp) -> Cells:
    sequence = p.sequence_id
    return {
        "game_id": p.game_id,
        "player_id": pseudonym(p.player_id) if p.player_id else None,
        "button_id": p.button_id,
        "button_category": p.button_category,
        "press_tick": p.tick,
        "press_price": p.price,
        "bet_amount": p.bet_amount,
        "sequence_id": f"{sequence:g}" if isinstance(sequence, float) else sequence,
        "sequence_position": p.sequence_position,
        "trade_tick": p.execution_tick,
        "trade_price": p.execution_price,
        "trade_id": p.trade_id,
        "client_timestamp_ms": stamp(p.client_timestamp),
        "server_timestamp_ms": stamp(p.server_ts),
        "latency_ms": p.latency_ms,
    }


RARE: Mapping[str, Rare] = {
    PLAYER_UPDATE: Rare(PlayerUpdatePayload, _player_update),
    USERNAME: Rare(UsernamePayload, _username),
    TRADE: Rare(TradePayload, _trade),
    BUY_REQUEST: Rare(RequestPayload, _request),
    SELL_REQUEST: Rare(RequestPayload, _request),
    SIDEBET_REQUEST: Rare(RequestPayload, _request),
    ANSWER: Rare(AnswerPayload, _answer),
    SIDEBET_PLACED: Rare(SidebetPayload, _sidebet),
    SIDEBET_RESULT: Rare(SidebetPayload, _sidebet),
    BUTTON: Rare(ButtonPayload, _button),
}
"""The rare events that the domain reads; every other name is ignored, counted by name."""

USED = FREQUENT | RARE.keys()
"""The names of the events that the domain reads."""
