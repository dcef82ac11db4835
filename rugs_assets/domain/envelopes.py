"""Envelopes: the typed structs of what a capture's lines hold.

Only fields that the domain reads have a place here; everything else is skipped in decoding without
creating an object. Numbers are floats, since the wire changes their type (protocol.md 10). What is
large and seldom wanted stays raw. How bytes become envelopes stands in ``protocol``.
"""

from __future__ import annotations

import msgspec

Scalar = str | float | bool | None


class Rugpool(msgspec.Struct, gc=False, rename="camel"):
    """The side pot: `{rugpoolAmount, threshold, instarugCount}`."""

    rugpool_amount: float | None = None
    threshold: float | None = None
    instarug_count: float | None = None


class ProvablyFair(msgspec.Struct, gc=False, rename="camel"):
    """The commitment to a seed; after the game also the seed."""

    server_seed: str | None = None
    server_seed_hash: str | None = None


class HistoryEntry(msgspec.Struct, gc=False, rename="camel"):
    """A finished game as `gameHistory` shows it; ``prices`` stays raw until someone wants it."""

    id: str
    timestamp: float | None = None
    peak_multiplier: float | None = None
    game_version: str | None = None
    provably_fair: ProvablyFair | None = None
    prices: msgspec.Raw = msgspec.Raw()


class PlayerEntry(msgspec.Struct, gc=False, rename="camel"):
    """An entry of a leaderboard. ``selected_coin`` not null means practice money."""

    id: str | None = None
    position_qty: float | None = None
    avg_cost: float | None = None
    pnl: float | None = None
    total_invested: float | None = None
    selected_coin: msgspec.Raw = msgspec.Raw()


class Payload(msgspec.Struct, gc=False, rename="camel"):
    """The fields of the two frequent events (gameStateUpdate, gameStatePlayerUpdate)."""

    game_id: str | None = None
    tick_count: float | None = None
    price: float | None = None
    active: bool | None = None
    rugged: bool | None = None
    cooldown_timer: float | None = None
    allow_pre_round_buys: bool | None = None
    connected_players: float | None = None
    average_multiplier: float | None = None
    count2x: float | None = None
    count10x: float | None = None
    count50x: float | None = None
    count100x: float | None = None
    highest_today: float | None = None
    rugpool: Rugpool | None = None
    game_version: str | None = None
    trade_count: float | None = None
    provably_fair: ProvablyFair | None = None
    game_history: list[HistoryEntry] | None = None
    leaderboard: msgspec.Raw = msgspec.Raw()
    leaderboard_entry: msgspec.Raw = msgspec.Raw()
    trace: bool | None = msgspec.field(default=None, name="__trace")


class Envelope(msgspec.Struct, gc=False):
    """One record: a raw JSONL line (both key spellings) or a line of the tick recorder."""

    seq: float | None = None
    ts: str | float | None = None
    timestamp: str | float | None = None
    event: str | None = None
    event_type: str | None = None
    data: Payload | list[Payload | Scalar] | Scalar = None
    direction: str | None = None
    type: str | None = None
    game_id: str | None = None
    tick: float | None = None
    price: float | None = None
    phase: str | None = None
    active: bool | None = None
    rugged: bool | None = None
    cooldown_timer: float | None = None
    trade_count: float | None = None


class LooseEnvelope(msgspec.Struct, gc=False):
    """An envelope whose payload does not fit `Payload`: events that we may ignore."""

    seq: float | None = None
    ts: str | float | None = None
    timestamp: str | float | None = None
    event: str | None = None
    event_type: str | None = None
    data: msgspec.Raw = msgspec.Raw()
    direction: str | None = None
    type: str | None = None
