"""Live events: one event as a socket client has it, read by the very code that reads captures.

In: a dict, in any of the shapes that people have in their hands: the socket's event with its
payload, or a flat row of the event store. Out: a row of `raw_ws_events` as a dict. Used by the
event-by-event driver and by the faces that take lists of events.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from rugs_assets.domain import events as ev
from rugs_assets.domain.capture import CaptureReader
from rugs_assets.domain.protocol import Malformed

_FLAT = {
    "game_id": "gameId",
    "tick": "tickCount",
    "cooldown_timer": "cooldownTimer",
    "allow_pre_round_buys": "allowPreRoundBuys",
    "connected_players": "connectedPlayers",
}
_NAMES = ("event", "event_name", "event_type")
_NO_TIME = "1970-01-01T00:00:00+00:00"


class LiveReader:
    """Turns events into rows; remembers what a session must remember (the own player's id)."""

    def __init__(self) -> None:
        self._reader = CaptureReader(lambda player_id: player_id)
        self._count = 0

    def row(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """One event as a row of `raw_ws_events`, with ``received_ms``, its receipt in epoch ms.

        Args:
            event: with ``data``, the payload (or a pair of trace and payload), and optionally its
                name (``event``, ``event_name`` or ``event_type``; without one it is a
                gameStateUpdate) and ``ts``; or flat, with ``game_id``, ``tick``, ``price`` ... or
                ``button_id`` beside each other.

        Raises:
            Malformed: where a value has a wrong type or is none; the message names it.
        """
        self._count += 1
        record = msgspec.json.encode(_envelope(event, self._count))
        decoded = self._reader.one(record)
        if decoded.rejects:
            raise Malformed(f"event {self._count}: {decoded.rejects[0].reason}")
        row: dict[str, Any] = decoded.events.to_pylist()[0]
        row["episode_id"] = row.pop("game_id")
        since = row["stamped_at"] - datetime(1970, 1, 1)  # noqa: DTZ001 # both are naive UTC
        row["received_ms"] = since // timedelta(microseconds=1) / 1000
        row["is_context"] = False
        return row


def _envelope(event: Mapping[str, Any], count: int) -> dict[str, Any]:
    name = next((event[key] for key in _NAMES if event.get(key)), None)
    data = event.get("data")
    if "data" not in event:
        is_press = event.get("button_id") is not None
        name = name or (ev.BUTTON if is_press else ev.FRAME)
        data = {key if is_press else _FLAT.get(key, key): value for key, value in event.items()}
    return {
        "seq": count,
        "ts": event.get("ts") or event.get("timestamp") or _NO_TIME,
        "event": name or ev.FRAME,
        "data": data,
        "direction": event.get("direction") or "received",
    }
