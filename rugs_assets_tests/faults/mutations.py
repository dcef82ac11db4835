"""Captures made wrong on purpose: structured mutations of good ones, any number of them, by seed.

`hostile` draws a whole file: a good capture of one of the formats, mutated in lines, in values, in
bytes, packed, and mutated again. The same seed gives the same bytes.
"""

from __future__ import annotations

import gzip
import io
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from rugs_assets_tests.captures_builders import (
    GAME_A,
    GAME_B,
    ME,
    NEXT_DAY,
    OTHER,
    STORE_SCHEMA,
    Record,
    active,
    cooldown,
    epoch_ms,
    event,
    game_history,
    line,
    player,
    pressed,
    rug,
    stored,
    tick,
)

RAW, TICKS, STORE = "raw", "ticks", "store"

_VALUES: tuple[Any, ...] = (
    *(None, True, False, "", "x" * 5_000, [], {}, [[]], {"": {}}, 0, -1, -0.0, 0.1, 5e-324, 1e308),
    *(-1e308, 2**31, 2**53, 2**53 + 1, 2**63, -(2**63), 2**64, 1e19, 253402300800000, -1e15),
    *(GAME_A, GAME_B, NEXT_DAY, "00010101-aaaaaaaaaaaaaaaa", "99991231-ffffffffffffffff"),
    *(
        "20250229-aaaaaaaaaaaaaaaa",
        "20251215-AAAAAAAAAAAAAAAA",
        ME,
        OTHER,
        "\0",
        "\u2028",
        "\udbff",
    ),
    *("\udbff", "2025-12-15T12:00:00", "0001-01-01T00:00:00", "9999-12-31T23:59:59+00:00", "now"),
)
_TOKENS: tuple[bytes, ...] = (
    *(b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b"1" * 400, b"1e-400", b"0x10"),
    *(b'"\\ud800"', b'"\\udc00\\ud800"', b"\0", b"\xff\xfe", b"\xc0\x80", b"\xed\xa0\x80"),
    *(b"[" * 2_000, b'{"a":' * 2_000, b"]" * 50, b"}" * 50, b'"', b"\\", b"\\u", b"{", b"}", b","),
    *(
        b"\n",
        b"\r\n",
        b"\r",
        b" ",
        b"\t",
        b"\xef\xbb\xbf",
        b"PAR1",
        b"\x1f\x8b",
        b"\x28\xb5\x2f\xfd",
    ),
    b"\x28\xb5\x2f\xfd",
    *(b'{"event": "x", "data": null}', b'{"type": "tick"}', b'"seq": -1, ', b'"event": null, '),
)
_TYPES: tuple[pa.DataType, ...] = (
    *(pa.string(), pa.large_string(), pa.binary(), pa.int8(), pa.int64(), pa.uint64()),
    *(pa.float32(), pa.float64(), pa.bool_(), pa.timestamp("us"), pa.date32(), pa.null()),
    *(pa.dictionary(pa.int32(), pa.string()), pa.list_(pa.string())),
)


@dataclass(frozen=True, slots=True)
class Hostile:
    """A file.

    Attributes:
        name: below the landing folder.
        data: its bytes.
    """

    name: str
    data: bytes


_PACKED: tuple[Callable[[bytes], bytes], ...] = (
    *(bytes, bytes),
    gzip.compress,
    zstandard.compress,
)


def hostile(seed: int) -> Hostile:
    """The file of a seed."""
    dice = random.Random(seed)
    kind = dice.choice([RAW, RAW, TICKS, STORE])
    if kind == STORE:
        data = _store(dice)
        name = "doc_type=ws_event/date=2025-12-15/part.parquet"
    else:
        data = _text(dice, _raw(dice) if kind == RAW else _ticks(dice))
        data = dice.choice(_PACKED)(data)
        name = "capture.jsonl"
    if kind == STORE or data[:1] in (b"\x1f", b"\x28"):
        times = dice.choice([0, 0, 1, 3])
    else:
        times = dice.choice([0, 1, 3, 10])
    for _ in range(times):
        data = dice.choice(_ON_BYTES)(dice, data)
    return Hostile(name, data)


def _raw(dice: random.Random) -> list[Record]:
    """A short session with a player: two games, a trade, a side bet, a request and its answer."""
    prices = [1.0, 1.02, 0.97, 1.1]
    mine = {"id": ME, "positionQty": 0.5, "avgCost": 1.0, "pnl": 0.1, "totalInvested": 0.5}
    records = [
        cooldown(1),
        cooldown(2, timer=9_900, leaderboard=[mine]),
        event(3, "usernameStatus", {"id": ME, "username": "someone", "hasUsername": True}),
        player(4, 5.0, positionQty=0),
        event(5, "buyOrder", {"amount": 0.1}, direction="sent"),
        event(6, "success", {"success": True, "executedPrice": 1.0, "timestamp": epoch_ms(1.5)}),
        *(active(7 + at, at, price=price) for at, price in enumerate(prices)),
        event(
            11, "standard/newTrade", {"id": "t", "gameId": GAME_A, "playerId": ME, "type": "buy"}
        ),
        event(12, "currentSidebet", {"startTick": 1, "endTick": 41, "betAmount": 0.1}),
        event(13, "gameStatePlayerUpdate", {"gameId": GAME_A, "leaderboardEntry": mine}),
        rug(14, 4, gameHistory=[game_history(GAME_A, epoch_ms(3.5))]),
        event(15, "currentSidebetResult", {"type": "payout", "payout": 0.5, "tickIndex": 4}),
        cooldown(16, GAME_B),
        active(17, 0, GAME_B),
        cooldown(18, NEXT_DAY),
    ]
    return [_mutated(dice, record) for record in records]


def _ticks(dice: random.Random) -> list[Record]:
    start = {"type": "game_start", "timestamp": "2025-12-15T12:00:00", "game_id": GAME_A}
    ticks = [tick(at / 4, at) for at in range(9)]
    end = {**start, "type": "game_end", "timestamp": "2025-12-15T12:00:09"}
    return [_mutated(dice, record) for record in [start, *ticks, end]]


def _mutated(dice: random.Random, record: Record) -> Record:
    """A record, sometimes with a value replaced, removed, repeated elsewhere or added."""
    if dice.random() < 0.7:
        return record
    copy: Record = json.loads(json.dumps(record))
    inner = [copy]
    while dice.random() < 0.6:
        deeper = [value for value in inner[-1].values() if isinstance(value, dict) and value]
        if not deeper:
            break
        inner.append(dice.choice(deeper))
    place = inner[-1]
    name = dice.choice(list(place))
    action = dice.randrange(4)
    if action == 0:
        del place[name]
    elif action == 1:
        place[dice.choice([name.upper(), "", "__trace", "data", "ts", "seq", "type"])] = place[name]
    else:
        place[name] = dice.choice(_VALUES)
    return copy


def _text(dice: random.Random, records: Sequence[Record]) -> bytes:
    """Records as lines: broken, doubled, joined, moved, spread over many, with prose between."""
    lines: list[bytes] = []
    for record in records:
        text = line(record).encode("utf-8", "surrogatepass")
        fate = dice.random()
        if fate < 0.04:
            text = text[: dice.randrange(len(text))]
        elif fate < 0.08:
            text = json.dumps(record, indent=dice.randrange(3)).encode()
        elif fate < 0.11:
            text += text
        elif fate < 0.14:
            at = dice.randrange(len(text))
            text = text[:at] + dice.choice(_TOKENS) + text[at:]
        elif fate < 0.16:
            text = b"# " + text[:50]
        lines += [text] * dice.choice([1] * 20 + [0, 2])
    if dice.random() < 0.1:
        dice.shuffle(lines)
    return dice.choice([b"\n", b"\n", b"\n", b"\r\n", b" "]).join(lines) + dice.choice([b"\n", b""])


def _store(dice: random.Random) -> bytes:
    """A file of the event store whose columns may be missing, doubled, or of another type."""
    raw = [stored(record) for record in _raw(dice) if {"event", "data", "ts", "seq"} <= set(record)]
    rows = [*raw, pressed(20), pressed(21, button_id=dice.choice(_VALUES))]
    for row in rows:
        if dice.random() < 0.1:
            text = str(row["raw_json"])
            row["raw_json"] = text[: dice.randrange(len(text) + 1)]
    table = pa.Table.from_pylist([_storable(row) for row in rows], STORE_SCHEMA)
    for _ in range(dice.choice([0, 0, 1, 2])):
        table = _other_column(dice, table)
    sink = io.BytesIO()
    pq.write_table(
        table,
        sink,
        row_group_size=dice.choice([1, 5, 100]),
        compression=dice.choice(["none", "snappy", "zstd", "gzip"]),
        use_dictionary=dice.random() < 0.5,
    )
    return sink.getvalue()


def _storable(row: Record) -> Record:
    """A row whose values the columns can hold."""
    seq = row["seq"]
    fits = type(seq) is int and -(2**63) <= seq < 2**63
    texts = {
        name: value if value is None else str(value).encode("utf-8", "replace").decode()
        for name, value in row.items()
    }
    return texts | {"seq": seq if fits else None}


def _other_column(dice: random.Random, table: pa.Table) -> pa.Table:
    at = dice.randrange(table.num_columns)
    name = table.schema.names[at]
    if dice.random() < 0.3:
        return table.remove_column(at) if dice.random() < 0.7 else table.append_column(
            name, table.column(at)
        )  # fmt: skip
    kind = dice.choice(_TYPES)
    try:
        column = table.column(at).cast(kind, safe=False)
    except pa.ArrowException:
        column = pa.chunked_array([pa.array([None] * table.num_rows, kind)])
    return table.set_column(at, name, column)


def _flip(dice: random.Random, data: bytes) -> bytes:
    if not data:
        return data
    at = dice.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << dice.randrange(8))]) + data[at + 1 :]


def _insert(dice: random.Random, data: bytes) -> bytes:
    at = dice.randrange(len(data) + 1)
    return data[:at] + dice.choice(_TOKENS) + data[at:]


def _remove(dice: random.Random, data: bytes) -> bytes:
    at = dice.randrange(len(data) + 1)
    return data[:at] + data[at + dice.choice([1, 3, 40, 1_000]) :]


def _repeat(dice: random.Random, data: bytes) -> bytes:
    at = dice.randrange(len(data) + 1)
    piece = data[at : at + dice.choice([1, 40, 1_000])]
    return data[:at] + piece * dice.choice([2, 9]) + data[at:]


def _noise(dice: random.Random, data: bytes) -> bytes:
    at = dice.randrange(len(data) + 1)
    return data[:at] + dice.randbytes(dice.choice([1, 8, 300])) + data[at + 8 :]


def _cut(dice: random.Random, data: bytes) -> bytes:
    return data[: dice.randrange(len(data) + 1)]


_ON_BYTES: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    *(_flip, _flip, _insert, _insert, _remove, _repeat, _noise, _cut),
)
