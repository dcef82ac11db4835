"""What the pipeline is held against: reading and decoding the same bytes, nothing more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec

CHUNK = 4 << 20  # bytes


class Rugpool(msgspec.Struct, gc=False, rename="camel"):
    """The side pot."""

    rugpool_amount: float | None = None
    threshold: float | None = None
    instarug_count: float | None = None


class Player(msgspec.Struct, gc=False, rename="camel"):
    """An entry of a leaderboard."""

    id: str | None = None
    position_qty: float | None = None
    avg_cost: float | None = None
    pnl: float | None = None
    total_invested: float | None = None


class Payload(msgspec.Struct, gc=False, rename="camel"):
    """The 25 fields that observations are made of."""

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
    cash: float | None = None
    position_qty: float | None = None
    avg_cost: float | None = None
    total_invested: float | None = None
    leaderboard: list[Player] | None = None
    leaderboard_entry: Player | None = None


class Line(msgspec.Struct, gc=False):
    """A line of a raw capture."""

    seq: float | None = None
    ts: str | None = None
    event: str | None = None
    data: Payload | list[Payload | str | float | bool | None] | str | float | bool | None = None


_LINES = msgspec.json.Decoder(Line)


def chunks(path: Path) -> Iterator[memoryview]:
    """Whole lines, about `CHUNK` bytes at a time."""
    rest = b""
    with path.open("rb") as file:
        while block := file.read(CHUNK):
            block = rest + block
            cut = block.rfind(b"\n") + 1
            rest = block[cut:]
            yield memoryview(block)[:cut]
    if rest:
        yield memoryview(rest)


def count_lines(paths: list[Path]) -> int:
    """Read every byte and count the lines."""
    return sum(bytes(chunk).count(b"\n") for path in paths for chunk in chunks(path))


def stdlib_json(paths: list[Path]) -> int:
    """Decode every line with the standard library."""
    count = 0
    for path in paths:
        with path.open("rb") as file:
            count += sum(1 for line in file if json.loads(line))
    return count


def msgspec_typed(paths: list[Path]) -> int:
    """Decode every line into typed structs, in chunks."""
    return sum(len(_LINES.decode_lines(chunk)) for path in paths for chunk in chunks(path))


def copied(paths: list[Path]) -> int:
    """Read all bytes and copy them once in memory: memcpy, and the reading it needs."""
    return sum(len(bytearray(path.read_bytes())) for path in paths)
