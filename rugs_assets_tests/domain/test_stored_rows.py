"""Rows of the event store: sessions that interleave, repeats, and columns of any type."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from rugs_assets.domain.capture import CaptureReader, Decoded
from rugs_assets.domain.stored_rows import unreadable_columns
from rugs_assets_tests.captures_builders import (
    GAME_A,
    ME,
    STORE_SCHEMA,
    Record,
    active,
    column,
    event,
    pressed,
    stored,
)

_SAME: Any = "the same value"


def read(*rows: Record, schema: pa.Schema = STORE_SCHEMA, doc_type: str | None = None) -> Decoded:
    return read_table(pa.Table.from_pylist(list(rows), schema), doc_type)


def read_table(table: pa.Table, doc_type: str | None = None) -> Decoded:
    reader = CaptureReader(lambda player_id: f"p-{player_id}")
    batches = table.combine_chunks().to_batches()
    (decoded,) = reader.event_store(batches, source_file="f.parquet", doc_type=doc_type)
    assert decoded.lines == decoded.events.num_rows + decoded.duplicates + len(decoded.rejects)
    return decoded


def test_rows_are_the_events_that_they_hold() -> None:
    decoded = read(stored(active(1, 0)), pressed(2, tick=4, bet_amount=0.1))
    frame, press = decoded.events.to_pylist()
    assert (frame["event"], frame["game_id"], frame["tick"]) == ("gameStateUpdate", GAME_A, 0)
    assert (press["event"], press["button_id"], press["press_tick"]) == ("button_event", "BUY", 4)
    assert (press["player_id"], press["direction"]) == (f"p-{ME}", "sent")
    assert column(decoded.events.to_pylist(), "source_position") == [1, 2]


def test_the_kind_of_rows_comes_from_the_path_where_no_column_says_it() -> None:
    table = pa.Table.from_pylist([pressed(1)], STORE_SCHEMA).drop_columns(["doc_type"])
    assert read_table(table, "button_event").events["event"].to_pylist() == ["button_event"]


def test_other_kinds_of_rows_are_kept_by_name_and_not_used() -> None:
    rows = read({**stored(active(1, 0)), "doc_type": "game_event"}).events.to_pylist()
    assert (rows[0]["event"], rows[0]["is_used"]) == ("doc_type=game_event", False)


def test_repeated_rows_are_counted_once() -> None:
    row = stored(active(1, 0))
    other = stored(event(1, "ping"))
    decoded = read(row, other, row, {**row, "session_id": "s2"})
    assert (decoded.events.num_rows, decoded.duplicates) == (3, 1)


def test_sessions_interleave_and_each_has_its_numbers() -> None:
    decoded = read(
        stored(active(1, 0), "a"),
        stored(active(1, 0), "b"),
        stored(active(2, 1), "a"),
        stored(active(2, 1), "b"),
    )
    rows = [(row["session_id"], row["seq"]) for row in decoded.events.to_pylist()]
    assert rows == [("a", 1), ("b", 1), ("a", 2), ("b", 2)]


def test_rows_without_a_session_or_a_number_are_kept_in_order() -> None:
    rows = read(
        {**stored(active(7, 0)), "session_id": None},
        {**stored(active(8, 1)), "session_id": None, "seq": None},
    ).events.to_pylist()
    assert [(row["session_id"], row["seq"]) for row in rows] == [("unnamed", 7), ("unnamed", 8)]


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"raw_json": None}, "raw_json: "),
        ({"raw_json": "{cut"}, "raw_json: "),
        ({"raw_json": "[]"}, "raw_json: "),
        ({"raw_json": '{"event": "gameStateUpdate", "data": {"price": "x"}}'}, "$.data.price"),
        ({"seq": -1}, "no whole number"),
        ({"seq": 2**60}, "no whole number"),
        ({"ts": None}, "no readable time stamp"),
        ({"doc_type": "button_event", "raw_json": '{"tick": "x"}'}, "raw_json: "),
    ],
)
def test_a_bad_row_costs_only_itself(columns: dict[str, Any], reason: str) -> None:
    bad = {**stored(active(2, 1)), **columns}
    decoded = read(stored(active(1, 0)), bad, stored(active(3, 2)))
    assert decoded.events["seq"].to_pylist() == [1, 3]
    (reject,) = decoded.rejects
    assert reason in reject.reason
    assert (reject.position, reject.session_id) == (2, "s1")


@pytest.mark.parametrize(
    ("name", "dtype", "value"),
    [
        ("raw_json", pa.large_string(), _SAME),
        ("raw_json", pa.binary(), _SAME),
        ("raw_json", pa.dictionary(pa.int32(), pa.string()), _SAME),
        ("seq", pa.float64(), _SAME),
        ("seq", pa.string(), _SAME),
        ("seq", pa.int16(), _SAME),
        ("session_id", pa.int64(), 17),
        ("ts", pa.timestamp("us"), _SAME),
        ("ts", pa.timestamp("ns", "UTC"), _SAME),
        ("direction", pa.null(), None),
        ("doc_type", pa.dictionary(pa.int8(), pa.string()), _SAME),
    ],
    ids=str,
)
def test_columns_of_other_types_are_read(name: str, dtype: pa.DataType, value: object) -> None:
    table = pa.Table.from_pylist([stored(active(5, 3))], STORE_SCHEMA)
    at = table.schema.get_field_index(name)
    values: Any = table.column(name).combine_chunks()
    if pa.types.is_temporal(dtype):
        values = values.cast(pa.timestamp("us"))
    values = pa.array([value], dtype) if value is not _SAME else values.cast(dtype)
    changed = table.set_column(at, name, values)
    assert not unreadable_columns(changed.schema)
    (row,) = read_table(changed).events.to_pylist()
    assert (row["seq"], row["tick"], row["direction"]) == (5, 3, "received")


@pytest.mark.parametrize("text", ["one", "", "1.5", "nan", "inf", "1e400", "٣"])
def test_a_number_in_words_is_a_bad_row(text: str) -> None:
    schema = STORE_SCHEMA.set(STORE_SCHEMA.get_field_index("seq"), pa.field("seq", pa.string()))
    decoded = read({**stored(active(1, 0)), "seq": text}, schema=schema)
    assert "seq" in decoded.rejects[0].reason


def test_bytes_that_are_no_text_cost_only_their_row() -> None:
    schema = pa.schema([pa.field(field.name, field.type) for field in STORE_SCHEMA])
    at = schema.get_field_index("raw_json")
    schema = schema.set(at, pa.field("raw_json", pa.binary()))
    bad = {**stored(active(1, 0)), "raw_json": b'{"event": "\xff"}'}
    good = {**stored(active(2, 1)), "raw_json": json.dumps({"event": "ping"}).encode()}
    table = pa.Table.from_pylist([bad, good], schema)
    forced = table.set_column(at, "raw_json", _as_text(table["raw_json"].combine_chunks()))
    decoded = read_table(forced)
    assert (decoded.events.num_rows, len(decoded.rejects)) == (1, 1)


def _as_text(array: Any) -> Any:
    """Bytes that a careless writer called a string."""
    return pa.Array.from_buffers(pa.string(), len(array), array.buffers())


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        (STORE_SCHEMA.remove(STORE_SCHEMA.get_field_index("raw_json")), "no column raw_json"),
        (pa.schema([("a", pa.int64())]), "no column raw_json"),
        (
            STORE_SCHEMA.set(
                STORE_SCHEMA.get_field_index("raw_json"),
                pa.field("raw_json", pa.struct([pa.field("event", pa.string())])),
            ),
            "column raw_json is of type struct<event: string>",
        ),
        (
            STORE_SCHEMA.set(
                STORE_SCHEMA.get_field_index("seq"), pa.field("seq", pa.list_(pa.int64()))
            ),
            "column seq is of type list",
        ),
    ],
)
def test_columns_that_cannot_be_read_say_so(schema: pa.Schema, problem: str) -> None:
    assert any(problem in found for found in unreadable_columns(schema))
