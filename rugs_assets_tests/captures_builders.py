"""Tiny literal captures, readable by eye: records as the wire and the recorders write them.

A record is a dict; `line` makes it a line, `write_jsonl` a file of lines and of whatever text
stands between them, `write_store` a file of the event store. `landed` reads a folder of them
through the landing. Stamps are naive, UTC and of 2025-12-15 unless a test says otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rugs_assets.domain.columns import optional
from rugs_assets.domain.events import RAW_WS_EVENTS, REJECTED_INPUT
from rugs_assets.lake.landing import Inventory, Landing

Record = dict[str, Any]

GAME_A = "20251215-aaaaaaaaaaaaaaaa"
GAME_B = "20251215-bbbbbbbbbbbbbbbb"
NEXT_DAY = "20251216-cccccccccccccccc"
DAY, DAY_AFTER = date(2025, 12, 15), date(2025, 12, 16)
NOON = datetime(2025, 12, 15, 12, 0, tzinfo=UTC)
ME, OTHER = "did:privy:me", "did:privy:other"
KEY = b"a key that must be nowhere"

_TEXTS = ("ts", "source", "doc_type", "session_id", "direction", "raw_json", "player_id")
STORE_SCHEMA = pa.schema(
    [*(optional(name, pa.string()) for name in _TEXTS), optional("seq", pa.int64())]
)


def at(seconds: float, start: datetime = NOON) -> str:
    """A stamp so many seconds after noon, naive: it does not say its zone."""
    return (start + timedelta(seconds=seconds)).replace(tzinfo=None).isoformat()


def epoch_ms(seconds: float, start: datetime = NOON) -> float:
    """The same moment as the server writes it."""
    return (start + timedelta(seconds=seconds)).timestamp() * 1000


def event(seq: int, name: str, data: Any = None, *, ts: str | None = None, **more: Any) -> Record:
    """A record of a raw capture, ``seq`` quarters of a second after noon."""
    return {"seq": seq, "ts": ts or at(seq / 4), "event": name, "data": data, **more}


def frame(seq: int, game: str = GAME_A, *, ts: str | None = None, **payload: Any) -> Record:
    """A gameStateUpdate with this payload."""
    return event(seq, "gameStateUpdate", {"gameId": game, **payload}, ts=ts)


def cooldown(seq: int, game: str = GAME_A, timer: float = 15_000, **payload: Any) -> Record:
    """A frame of settlement or, with presale buys allowed, of presale."""
    return frame(seq, game, cooldownTimer=timer, allowPreRoundBuys=timer <= 10_000, **payload)


def active(seq: int, tick: int, game: str = GAME_A, price: float = 1.0, **payload: Any) -> Record:
    """A frame of a running game."""
    flags = {"active": True, "rugged": False, "cooldownTimer": 0, "allowPreRoundBuys": False}
    return frame(seq, game, **(flags | {"tickCount": tick, "price": price} | payload))


def rug(seq: int, tick: int, game: str = GAME_A, price: float = 0.01, **payload: Any) -> Record:
    """The frame of the rug: active is still true."""
    return active(seq, tick, game, price, rugged=True, **payload)


def game_history(game: str, rugged_at_ms: float, seed: str = "ab" * 32, **more: Any) -> Record:
    """A finished game as full frames show it."""
    fair = {"serverSeed": seed, "serverSeedHash": "00" * 32}
    return {
        "id": game,
        "timestamp": rugged_at_ms,
        "prices": [1, 1.5, 0.01],
        "provablyFair": fair,
        "gameVersion": "v3",
        **more,
    }


def player(seq: int, cash: float, player_id: str = ME, **payload: Any) -> Record:
    """A playerUpdate of the own player."""
    return event(seq, "playerUpdate", {"id": player_id, "cash": cash, **payload})


def tick(seconds: float, number: int, game: str = GAME_A, **more: Any) -> Record:
    """A tick of the tick recorder."""
    return {
        "type": "tick",
        "timestamp": at(seconds),
        "game_id": game,
        "tick": number,
        "price": 1.0,
        "phase": "ACTIVE_GAMEPLAY",
        "active": True,
        "rugged": False,
        "cooldown_timer": 0,
        "trade_count": 0,
        **more,
    }


def line(record: Record) -> str:
    """A record on a line of its own, without the line's end."""
    return json.dumps(record)


def lines(*parts: Record | str) -> bytes:
    """Lines of a JSONL file: records, and text that is taken as it stands."""
    texts = [part if isinstance(part, str) else line(part) for part in parts]
    return "".join(text + "\n" for text in texts).encode()


def write_jsonl(folder: Path, *parts: Record | str, name: str = "capture.jsonl") -> Path:
    """Write a JSONL file."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lines(*parts))
    return path


def stored(record: Record, session_id: str = "s1", **columns: Any) -> Record:
    """A record as a row of the event store."""
    held = {"event": record["event"], "data": record["data"]}
    row = {
        "ts": record["ts"],
        "doc_type": "ws_event",
        "session_id": session_id,
        "seq": record["seq"],
        "direction": "received",
        "raw_json": json.dumps(held),
    }
    return row | columns


def pressed(seq: int, session_id: str = "s1", **press: Any) -> Record:
    """A button record as a row of the event store."""
    payload = {"button_id": "BUY", "button_category": "action", "game_id": GAME_A, "tick": 0}
    return {
        "ts": at(seq / 4),
        "doc_type": "button_event",
        "session_id": session_id,
        "seq": seq,
        "direction": "sent",
        "raw_json": json.dumps(payload | press),
        "player_id": ME,
    }


def write_store(
    folder: Path,
    rows: Sequence[Mapping[str, Any]],
    *,
    name: str = "doc_type=ws_event/date=2025-12-15/part.parquet",
    schema: pa.Schema = STORE_SCHEMA,
) -> Path:
    """Write a file of the event store."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows], schema), path)
    return path


def landed(folder: Path, key: bytes = KEY) -> Inventory:
    """A folder's captures, read through the landing; the cache lies beside the folder."""
    return Landing(folder, folder.parent / f"{folder.name}-cache", key).refresh()


def events_of(inventory: Inventory, day: date = DAY) -> list[Record]:
    """The rows of `raw_ws_events` of a date."""
    batches = list(inventory.select(day).events())
    return pa.Table.from_batches(batches, RAW_WS_EVENTS).to_pylist()


def own_events(inventory: Inventory, day: date = DAY) -> list[Record]:
    """The same without context."""
    return [row for row in events_of(inventory, day) if not row["is_context"]]


def rejected_of(inventory: Inventory, day: date = DAY) -> list[Record]:
    """The rows of `rejected_input` of a date."""
    batches = list(inventory.select(day).rejected())
    return pa.Table.from_batches(batches, REJECTED_INPUT).to_pylist()


def column(rows: Iterable[Record], name: str) -> list[Any]:
    """One column of rows."""
    return [row[name] for row in rows]
