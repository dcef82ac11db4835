"""Tiny literal rows of `raw_ws_events`, readable by eye.

A row is a dict of the columns that matter; `rows_of` fills in the rest, numbers them and makes a
batch; `events_for_builder` gives the same rows as the event-by-event driver takes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from rugs_assets.domain.events import BUTTON, FRAME, PLAYER_TICK, PLAYER_UPDATE, RAW_WS_EVENTS

Row = dict[str, Any]

GAME_A = "20251215-aaaaaaaaaaaaaaaa"
GAME_B = "20251215-bbbbbbbbbbbbbbbb"
GAME_C = "20251216-cccccccccccccccc"
ME = "p-me"
START = datetime(2025, 12, 15, 12, 0, tzinfo=UTC)


def frame(game: str | None = GAME_A, tick: int | None = None, **columns: Any) -> Row:
    """A gameStateUpdate; what is not named was not sent."""
    return {"event": FRAME, "episode_id": game, "tick": tick, **columns}


def active(game: str, tick: int, price: float = 1.0, **columns: Any) -> Row:
    """A standard frame of a running game."""
    flags = {"active": True, "rugged": False, "allow_pre_round_buys": False}
    return frame(game, tick, price=price, cooldown_timer_ms=0.0, **(flags | columns))


def rug(game: str, tick: int, price: float = 0.01, **columns: Any) -> Row:
    """The frame of the rug: active is still true."""
    return active(game, tick, price, rugged=True, **columns)


def cooldown(game: str, timer_ms: float = 15_000, **columns: Any) -> Row:
    """A frame of 7 keys: no tick, no price."""
    return frame(game, None, cooldown_timer_ms=timer_ms, allow_pre_round_buys=False, **columns)


def presale(game: str, timer_ms: float = 10_000, **columns: Any) -> Row:
    """A frame of 7 keys after presale has opened."""
    return frame(game, None, cooldown_timer_ms=timer_ms, allow_pre_round_buys=True, **columns)


def player(cash: float | None = None, qty: float | None = None, **columns: Any) -> Row:
    """A playerUpdate of the own player; it names no game."""
    state = {"balance": cash, "position_qty": qty}
    return {"event": PLAYER_UPDATE, "player_id": ME, **state, **columns}


def player_tick(game: str, qty: float, **columns: Any) -> Row:
    """A gameStatePlayerUpdate with the own entry."""
    return {"event": PLAYER_TICK, "episode_id": game, "position_qty": qty, **columns}


def press(game: str | None, button: str, tick: int | None = None, **columns: Any) -> Row:
    """A button press."""
    return {"event": BUTTON, "episode_id": game, "button_id": button, "press_tick": tick, **columns}


def rows_of(
    rows: Iterable[Mapping[str, Any]], *, session_id: str = "s1", first_seq: int = 1
) -> pa.RecordBatch:
    """A batch in the schema `RAW_WS_EVENTS`, numbered in order, 250 ms apart unless they say."""
    filled = []
    for number, row in enumerate(rows):
        seq = first_seq + number
        common = {
            "session_id": session_id,
            "seq": seq,
            "received_at": START + timedelta(milliseconds=250 * seq),
            "direction": "received",
            "is_context": False,
            "source_file": f"{session_id}.jsonl",
            "source_position": seq,
        }
        filled.append(common | dict(row))
    return pa.RecordBatch.from_pylist(filled, RAW_WS_EVENTS)


def in_session(rows: Iterable[Mapping[str, Any]]) -> pa.RecordBatch:
    """As `rows_of`, with events that name no game put to the one that is current.

    So does the partition of a date (design.md 3); before the first frame that is the first game.
    """
    named: list[Row] = []
    begun: list[str] = []
    seen: set[str] = set()
    for row in rows:
        if row["event"] == FRAME and row["episode_id"] is not None:
            is_new = row["episode_id"] not in seen
            seen.add(row["episode_id"])
            # A game that is seen for the first time when it is over has been overtaken.
            begun += [row["episode_id"]] if is_new and not (begun and row.get("rugged")) else []
        current = row.get("episode_id") or (begun[-1] if begun else None)
        named.append({**row, "episode_id": current})
    first = begun[0] if begun else None
    return rows_of([{**row, "episode_id": row["episode_id"] or first} for row in named])


def events_for_builder(batch: pa.RecordBatch) -> list[Row]:
    """The rows of a batch as `ObservationBuilder.update_row` takes them."""
    received_ms = batch["received_at"].cast(pa.int64()).to_numpy() / 1000
    rows: list[Row] = batch.to_pylist()
    for row, moment in zip(rows, received_ms.tolist(), strict=True):
        row["received_ms"] = moment
    return rows
