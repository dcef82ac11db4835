"""Live events: one event as people have it in their hands, read by the code that reads captures.

In: a dict, in any of these shapes: the socket's event with its payload; a row of the event store
with ``raw_json``; or bare values beside each other (``game_id``, ``tick``, ``price``, ...). Out: a
record as a capture holds it, or a row of `raw_ws_events`. Used by the event-by-event driver and by
the faces that take lists of events. Games may have any id here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import numpy as np

from rugs_assets.domain import events as ev
from rugs_assets.domain import protocol
from rugs_assets.domain.capture import CaptureReader
from rugs_assets.domain.protocol import Malformed
from rugs_assets.domain.stored_rows import BUTTON_DOC
from rugs_assets.domain.surrogates import without_surrogates

_FLAT = {
    "game_id": "gameId",
    "tick": "tickCount",
    "cooldown_timer": "cooldownTimer",
    "allow_pre_round_buys": "allowPreRoundBuys",
    "connected_players": "connectedPlayers",
    "position_qty": "positionQty",
    "player_id": "id",
}
"""What the event store's columns are called on the wire."""

_NUMBERS = frozenset({"tick", "price", "cash", "position_qty", "cooldown_timer", "bet_amount"})
_NAMES = ("event", "event_name", "event_type")
_TELL_PHASE = ("active", "allow_pre_round_buys", "cooldown_timer")
_NO_TIME = "1970-01-01T00:00:00+00:00"


class LiveReader:
    """Turns events into rows; remembers what a session must remember (the own player's id)."""

    def __init__(self) -> None:
        self._reader = CaptureReader(lambda player_id: player_id, any_game=True)
        self._count = 0

    def row(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """One event as a row of `raw_ws_events`, with ``received_ms``, its receipt in epoch ms.

        Args:
            event: as `record_of` takes it.

        Raises:
            Malformed: where a value has a wrong type or is none; the message names it.
        """
        return self.rows([event])[0]

    def rows(self, events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Several events as rows: the same as one after the other, in less time.

        Raises:
            Malformed: where a value of one has a wrong type or is none; the message names it.
        """
        first = self._count + 1
        self._count += len(events)
        decoded = self._reader.some(
            [record_of(event, first + at) for at, event in enumerate(events)]
        )
        if decoded.rejects:
            reject = decoded.rejects[0]
            raise Malformed(f"event {first + reject.position - 1}: {reject.reason}")
        rows: list[dict[str, Any]] = decoded.events.to_pylist()
        for row in rows:
            row["episode_id"] = row.pop("game_id")
            since = row["stamped_at"] - datetime(1970, 1, 1)  # noqa: DTZ001 # both are naive UTC
            row["received_ms"] = since // timedelta(microseconds=1) / 1000
            row["is_context"] = False
        return rows


def record_of(event: Mapping[str, Any], seq: int) -> bytes:
    """An event as a line of a capture.

    Args:
        event: with ``data``, the payload (or a pair of trace and payload), and optionally its name
            (``event``, ``event_name`` or ``event_type``; without one it is a gameStateUpdate) and
            ``ts``; or with ``raw_json`` as the event store has it; or bare, with ``game_id``,
            ``tick``, ``price`` ... or ``button_id`` beside each other. A bare frame that has a tick
            and says nothing of its phase is one of a running game.
        seq: its number.

    Raises:
        Malformed: ``raw_json`` is no JSON object.
    """
    try:
        return _encoded(event, seq)
    except UnicodeEncodeError:
        # Python's own decoder hands out half a character as it came, which no bytes can hold.
        return _encoded(without_surrogates(event), seq)


def _encoded(event: Mapping[str, Any], seq: int) -> bytes:
    name = next((event[key] for key in _NAMES if event.get(key)), None)
    if event.get("raw_json") is not None:
        name, data = _unpacked(event, name)
    elif "data" in event:
        data = event["data"]
    else:
        name = name or (ev.FRAME if event.get("button_id") is None else ev.BUTTON)
        data = _bare(event, name)
    envelope = {
        "seq": seq,
        "ts": event.get("ts") or event.get("timestamp") or _NO_TIME,
        "event": name or ev.FRAME,
        "data": data,
        "direction": event.get("direction") or "received",
    }
    return msgspec.json.encode(envelope, enc_hook=_plain)


def _unpacked(event: Mapping[str, Any], name: str | None) -> tuple[str | None, Any]:
    """Name and payload of a row of the event store."""
    raw = event["raw_json"]
    stored = protocol.decode_object(raw if isinstance(raw, bytes) else str(raw).encode(), dict)
    if event.get("doc_type") == BUTTON_DOC or "button_id" in stored:
        player = {"player_id": event.get("player_id")} if event.get("player_id") else {}
        return ev.BUTTON, {**player, **stored}
    named = next((stored[key] for key in _NAMES if stored.get(key)), name)
    return named, stored.get("data")


def _bare(event: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The payload that a flat dict spells out."""
    values = {key: _number(value) if key in _NUMBERS else value for key, value in event.items()}
    if name == ev.BUTTON:
        return values
    payload = {_FLAT.get(key, key): value for key, value in values.items()}
    is_silent = not any(event.get(key) is not None for key in _TELL_PHASE)
    if name == ev.FRAME and event.get("tick") is not None and is_silent:
        payload["active"] = True
    return payload


def _number(value: Any) -> Any:
    """A number that the event store keeps as text; anything else as it is."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is no JSON value")
