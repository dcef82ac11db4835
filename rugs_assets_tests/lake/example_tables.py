"""A small table of the lake's own, with every kind of column, and rows for it.

Rows are told apart by `generation`, which is the same in all rows of one commit, and ordered by
`row`: a reader that sees two generations of a date, or rows out of order, has caught the lake.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa

from rugs_assets.lake.tables import Lake, Provenance, TableSpec

MONDAY = date(2025, 12, 15)
TUESDAY = date(2025, 12, 16)
WEDNESDAY = date(2025, 12, 17)
EPISODE_ROWS = 60

_FIELDS: list[pa.Field[Any]] = [
    pa.field("episode_id", pa.string(), nullable=False),
    pa.field("row", pa.int64(), nullable=False),
    pa.field("generation", pa.int32(), nullable=False),
    pa.field("price", pa.float32(), nullable=False),
    pa.field("amount", pa.float64()),
    pa.field("tick", pa.int32()),
    pa.field("flag", pa.bool_()),
    pa.field("name", pa.string()),
    pa.field("received_at", pa.timestamp("us", tz="UTC"), nullable=False),
]
THINGS = TableSpec(
    "things",
    pa.schema(_FIELDS),
    schema_version=1,
    row_group_rows=100,
    file_rows=250,
    keep_together="episode_id",
)
ONE_FILE = replace(THINGS, name="one_file", file_rows=None, keep_together=None)


def things(rows: int, generation: int = 0) -> pa.Table:
    """`rows` rows; every 7th amount, 3rd tick, 5th flag and 2nd name is null."""
    start = datetime(2025, 12, 15, tzinfo=UTC)
    count = range(rows)
    columns: list[list[Any]] = [
        [f"episode-{i // EPISODE_ROWS:03d}" for i in count],
        list(count),
        [generation] * rows,
        [1 + i / 3 for i in count],
        [None if i % 7 == 0 else i / 7 for i in count],
        [None if i % 3 == 0 else i for i in count],
        [None if i % 5 == 0 else i % 2 == 0 for i in count],
        [None if i % 2 == 0 else f"name {i}" for i in count],
        [start + timedelta(milliseconds=i) for i in count],
    ]
    arrays: list[pa.Array[Any]] = [
        pa.array(column, field.type) for column, field in zip(columns, _FIELDS, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=THINGS.schema)


def batches(rows: int, generation: int = 0, *, size: int = 37) -> Iterator[pa.RecordBatch]:
    """The same rows in batches."""
    yield from things(rows, generation).to_batches(size)


def made_by(run: str = "run-1", *, code: str = "1", inputs: str = "abc") -> Provenance:
    """A provenance."""
    return Provenance(run_id=run, code_version=code, input_digest=inputs, config='{"a": 1}')


def the_generation(lake: Lake, day: date, *, version: int | None = None) -> tuple[int, int]:
    """(generation, rows) of a stored date, which must be whole and in order."""
    table = lake.read(THINGS, day, version=version).to_arrow()
    generations = {int(value) for value in table.column("generation").to_numpy()}
    assert len(generations) == 1, f"rows of {sorted(generations)} in one date"
    (generation,) = generations
    assert table.equals(things(table.num_rows, generation))
    return generation, table.num_rows
