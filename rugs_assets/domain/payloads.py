"""Payloads of the rare events: their structs, and the columns that each fills.

In: the payload of a player update, a trade, a request, an answer, a side bet or a button press.
Out: its cells, by column. A kind that is not in `RARE` is ignored, counted by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from rugs_assets.domain.events import (
    ANSWER,
    BUTTON,
    BUY_REQUEST,
    FREQUENT,
    PLAYER_UPDATE,
    SELL_REQUEST,
    SIDEBET_PLACED,
    SIDEBET_REQUEST,
    SIDEBET_RESULT,
    TRADE,
    USERNAME,
)
from rugs_assets.domain.features import Phase

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
    game_phase: str | float | None = None
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


def phase_told(phase: str | float | None) -> int | None:
    """The phase that a press record names, by code or by name; None where it is no such phase."""
    if isinstance(phase, str):
        return Phase[phase].value if phase in Phase.__members__ else None
    return next((code.value for code in Phase if code == phase), None)


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
        "press_phase": phase_told(p.game_phase),
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
