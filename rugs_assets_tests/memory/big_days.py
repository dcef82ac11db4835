"""Captures of one date, as large as wanted, made in no time: what the memory tests read.

The frames are honest ones (games with presale, ticks and a rug, a leaderboard, an own player who
holds a position, trades of others) but cheap to make: every game is the same but for its id. So
they compress well, which spares the disk and no memory: rows are counted in Arrow, not on disk.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

EVENTS_A_GAME = 236
"""Lines of a game."""

_OWN = "did:privy:00000000000000000000000f"
_DAY_US = 24 * 3600 * 1_000_000


def write_day(folder: Path, games: int, *, frame_bytes: int = 400) -> int:
    """Write a raw capture of 2025-12-15.

    Args:
        folder: where the file goes; made when needed.
        games: how many.
        frame_bytes: about how long a line of a frame is.

    Returns:
        Its lines.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = 0
    with (folder / "2025-12-15_raw.jsonl").open("w") as file:
        for number in range(games):
            for event, data in _game(number, frame_bytes):
                lines += 1
                us = lines * _DAY_US // (games * EVENTS_A_GAME + 1)
                second, us = divmod(us, 1_000_000)
                minute, second = divmod(second, 60)
                stamp = f"2025-12-15T{minute // 60:02d}:{minute % 60:02d}:{second:02d}.{us:06d}Z"
                head = f'{{"seq": {lines}, "ts": "{stamp}", "event": "{event}", "data": '
                file.write(f"{head}{data}}}\n")
    return lines


def _game(number: int, frame_bytes: int) -> Iterator[tuple[str, str]]:
    game = f"20251215-{number:016x}"
    if number == 0:
        yield "usernameStatus", json.dumps({"id": _OWN, "username": "me", "hasUsername": True})
    filler = _filler(frame_bytes - 300)
    common = f'"gameId": "{game}", "connectedPlayers": {100 + number % 50}, "leaderboard": {filler}'
    for timer in range(1500, 0, -100):
        opened = "true" if timer <= 1000 else "false"
        shown = f'"cooldownTimer": {timer}, "allowPreRoundBuys": {opened}'
        yield "gameStateUpdate", f"{{{common}, {shown}}}"
    for tick in range(200):
        shown = f'"tickCount": {tick}, "price": {1 + tick / 1000}, "active": true, "rugged": false'
        yield "gameStateUpdate", f"{{{common}, {shown}}}"
        if tick % 20 == 0:
            yield "playerUpdate", json.dumps(_player(tick))
            yield "standard/newTrade", json.dumps(_trade(game, number, tick))
    shown = '"tickCount": 200, "price": 0.01, "active": true, "rugged": true'
    yield "gameStateUpdate", f"{{{common}, {shown}}}"


def _player(tick: int) -> dict[str, Any]:
    held = {"positionQty": 0.1 * (tick % 40 == 0), "avgCost": 1.0, "totalInvested": 0.1}
    return {"id": _OWN, "cash": 1 + tick / 100, "cumulativePnL": 0.0, **held}


def _trade(game: str, number: int, tick: int) -> dict[str, Any]:
    who = f"did:privy:{number:014x}{tick:010x}"
    told = {"id": f"{number}-{tick}", "gameId": game, "playerId": who, "type": "buy"}
    return {**told, "amount": 0.1, "qty": 0.1, "price": 1.0, "tickIndex": tick}


def _filler(size: int) -> str:
    entry = {"id": "did:privy:" + "a" * 24, "username": "player", "pnl": 0.5, "positionQty": 1.5}
    entry |= {"avgCost": 1.01, "totalInvested": 0.5, "selectedCoin": None, "position": 1}
    text = json.dumps(entry)
    return "[" + ", ".join([text] * max(0, size // len(text))) + "]"
