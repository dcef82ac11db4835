"""A straightforward implementation of the plan, for comparison only.

Standard library json, one builder call an event, a dict of state, a list of tuples: what the seed
plan sketches and most people would write first. It reads raw JSONL, takes the first payload shape
that fits, and makes (observation, action, reward, next_observation, done) tuples. It is correct on
clean captures and knows none of the traps; nothing of the package is used.
"""

from __future__ import annotations

import hashlib
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

_FRAME = {
    "tickCount": "tick",
    "price": "price",
    "cooldownTimer": "cooldown_timer_ms",
    "allowPreRoundBuys": "allow_pre_round_buys",
    "active": "active",
    "rugged": "rugged",
    "connectedPlayers": "connected_players",
    "averageMultiplier": "average_multiplier",
    "count2x": "count_2x",
    "count10x": "count_10x",
    "count50x": "count_50x",
    "count100x": "count_100x",
    "highestToday": "highest_today",
}
_PLAYER = {
    "cash": "balance",
    "positionQty": "position_qty",
    "avgCost": "avg_entry_price",
    "cumulativePnL": "cumulative_pnl",
    "totalInvested": "total_invested",
}

Sample = tuple[np.ndarray[Any, Any], int, float, np.ndarray[Any, Any], bool]


class PlainBuilder:
    """Keeps the last known values and makes a vector of 36 of them."""

    def __init__(self) -> None:
        self.state: dict[str, float] = {}
        self.game_id: str | None = None
        self._last: tuple[float, float, float] | None = None
        self._code = 0.0

    def update(self, event: dict[str, Any]) -> bool:
        """Take an event; True where it is a frame."""
        data = event.get("data")
        if isinstance(data, list):
            data = data[-1]
        if not isinstance(data, dict):
            return False
        if event.get("event") == "playerUpdate":
            for key, name in _PLAYER.items():
                if data.get(key) is not None:
                    self.state[name] = float(data[key])
            return False
        if event.get("event") != "gameStateUpdate":
            return False
        if data.get("gameId") != self.game_id:
            self.game_id = data.get("gameId")
            self._last = None
            head = hashlib.sha256(str(self.game_id).encode()).digest()[:3]
            self._code = int.from_bytes(head, "big") / 2**24
        for key, name in _FRAME.items():
            if data.get(key) is not None:
                self.state[name] = float(data[key])
        pool = data.get("rugpool") or {}
        for key, name in (
            ("rugpoolAmount", "rugpool_amount"),
            ("threshold", "rugpool_threshold"),
            ("instarugCount", "instarug_count"),
        ):
            if pool.get(key) is not None:
                self.state[name] = float(pool[key])
        return True

    def build(self) -> np.ndarray[Any, Any]:
        """The vector as of now."""
        get = self.state.get
        tick, price = get("tick", 0.0), get("price", 1.0)
        velocity = acceleration = 0.0
        if self._last is not None and tick > self._last[0]:
            velocity = (price - self._last[1]) / (tick - self._last[0])
            acceleration = (velocity - self._last[2]) / (tick - self._last[0])
        self._last = (tick, price, velocity)
        rugged, active = get("rugged", 0.0), get("active", 0.0)
        allow = get("allow_pre_round_buys", 0.0)
        phase = 3.0 if rugged else 2.0 if active else 1.0 if allow else 0.0
        qty, entry = get("position_qty", 0.0), get("avg_entry_price", 0.0)
        balance, value = get("balance", 0.0), qty * price
        pool, threshold = get("rugpool_amount", 0.0), get("rugpool_threshold", 0.0)
        values = [
            *(tick, price, phase, get("cooldown_timer_ms", 0.0), allow, active, rugged),
            *(get("connected_players", 0.0), self._code, balance, qty, entry),
            *(get("cumulative_pnl", 0.0), get("total_invested", 0.0), pool, threshold),
            *(get("instarug_count", 0.0), get("average_multiplier", 0.0), get("count_2x", 0.0)),
            *(get("count_10x", 0.0), get("count_50x", 0.0), get("count_100x", 0.0)),
            *(get("highest_today", 0.0), velocity, acceleration, (price - entry) * qty),
            (price - entry) / entry if qty and entry else 0.0,
            pool / threshold if threshold else 0.0,
            value / (balance + value) if balance + value else 0.0,
            *(0.0, tick, 0.0, 0.0, 0.0, 0.0, 0.0),
        ]
        return np.array(values, dtype=np.float32)


def samples_of(folder: Path) -> list[Sample]:
    """All samples of the raw JSONL files in a folder."""
    samples: list[Sample] = []
    for path in sorted(folder.rglob("*.jsonl")):
        samples += _of_file(path)
    return samples


def _of_file(path: Path) -> list[Sample]:
    builder = PlainBuilder()
    games: dict[str, list[tuple[np.ndarray[Any, Any], float, bool]]] = {}
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if builder.update(event):
                equity = builder.state.get("balance", 0.0) + builder.state.get(
                    "position_qty", 0.0
                ) * builder.state.get("price", 1.0)
                rugged = bool(builder.state.get("rugged"))
                rows = games.setdefault(str(builder.game_id), [])
                rows.append((builder.build(), equity, rugged))
    return [
        (now[0], 0, after[1] - now[1], after[0], after[2])
        for rows in games.values()
        for now, after in pairwise(rows)
        if not now[2]
    ]
