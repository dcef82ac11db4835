"""Rows of the event store, as its columns have them.

In: record batches of an event-store file, whatever the types of their columns. Out: `StoredRow`s
with their envelope decoded, or with the problem that makes them unusable. Used by ``capture``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import xxhash

from rugs_assets.domain import events as ev
from rugs_assets.domain import protocol
from rugs_assets.domain.protocol import Envelope, LooseEnvelope, Malformed

BUTTON_DOC = "button_event"
WS_DOC = "ws_event"
NEEDED = frozenset({"ts", "session_id", "seq", "raw_json"})
READ = ("ts", "doc_type", "session_id", "seq", "direction", "raw_json", "player_id")
"""The columns that are read; the others repeat what is in ``raw_json``."""

_SCALARS = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_binary_view,
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_temporal,
    pa.types.is_null,
)


@dataclass(slots=True)
class StoredRow:
    """A row of the event store.

    Attributes:
        position: its number in the file, from 1.
        event: the name of the event.
        recorded: its sequence number in the store, ``seq`` the one it got from the reader.
        raw: ``raw_json``; ``envelope`` what it holds where the row is an event of the socket.
        problem: why the row can't be used, where it can't.
    """

    position: int
    session_id: str
    ts: str | None
    event: str
    direction: str
    recorded: int | None
    raw: bytes
    player_id: str | None
    is_button: bool = False
    envelope: Envelope | LooseEnvelope | None = None
    problem: str | None = None
    seq: int = 0

    def key(self) -> tuple[object, ...]:
        """What a repeat of the row has in common with it."""
        if self.recorded is None:
            return (self.ts, xxhash.xxh3_128_digest(self.raw))
        return (self.recorded, self.ts, self.event)


def unreadable_columns(schema: pa.Schema) -> list[str]:
    """What keeps a file from being read as rows of the event store; empty where nothing does."""
    missing = [f"no column {name}" for name in sorted(NEEDED - set(schema.names))]
    twice = [f"several columns {name}" for name in READ if schema.names.count(name) > 1]
    nested = [
        f"column {column.name} is of type {column.type}"
        for column in schema
        if column.name in READ and not any(is_it(_plain(column.type)) for is_it in _SCALARS)
    ]
    return missing + twice + nested


def rows_of(batch: pa.RecordBatch, position: int, doc_type: str | None) -> Iterator[StoredRow]:
    """The rows of a batch.

    Args:
        batch: a part of the file.
        position: how many rows of the file stand before it.
        doc_type: the kind of rows where the file has no such column.
    """
    columns = [
        _bytes_of(batch.column(name)) if name in batch.schema.names else [None] * batch.num_rows
        for name in READ
    ]
    for ts, kind, session_id, seq, direction, raw, player_id in zip(*columns, strict=True):
        position += 1
        row = StoredRow(
            position,
            _text(session_id) or "unnamed",
            _text(ts),
            f"doc_type={_text(kind) or doc_type}",
            _text(direction) or "received",
            None,
            raw or b"",
            _text(player_id),
        )
        _number(row, seq)
        _decode(row, _text(kind) or doc_type)
        yield row


def _number(row: StoredRow, seq: bytes | None) -> None:
    if seq is None:
        return
    try:
        number = float(seq)
        row.recorded = int(seq) if seq.lstrip(b"-").isdigit() else int(number)
    except (ValueError, OverflowError):
        row.problem = f"seq {seq[:40]!r} is no number"
        return
    if row.recorded != number or not 0 <= number < 2**53:
        row.recorded, row.problem = None, f"seq {seq[:40]!r} is no whole number below 2^53"


def _decode(row: StoredRow, doc_type: str | None) -> None:
    if doc_type == BUTTON_DOC:
        row.event, row.is_button = ev.BUTTON, True
    elif doc_type == WS_DOC and row.problem is None:
        try:
            row.envelope = protocol.decode_record(row.raw)
            row.event = protocol.name_of(row.envelope) or row.event
        except Malformed as error:
            row.problem = f"raw_json: {error}"


def _plain(dtype: pa.DataType) -> pa.DataType:
    return dtype.value_type if isinstance(dtype, pa.DictionaryType) else dtype


def _bytes_of(column: pa.Array[Any]) -> list[bytes | None]:
    """A column of any scalar type as the bytes of its text (which need not be valid UTF-8)."""
    dtype = _plain(column.type)
    if dtype != column.type:
        column = column.cast(dtype)
    if pa.types.is_large_string(dtype) or pa.types.is_large_binary(dtype):
        return column.cast(pa.large_binary()).to_pylist()
    if not (pa.types.is_string(dtype) or pa.types.is_binary(dtype)):
        column = column.cast(pa.string())
    return column.cast(pa.binary()).to_pylist()


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "backslashreplace")
