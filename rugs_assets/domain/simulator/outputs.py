"""What a simulation produces: pieces of files, in the order in which they grow.

Paths are relative to the folder that the caller chooses, one for the captures and one for the
truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Appended:
    """Bytes to add to the end of a capture file."""

    path: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """A whole Parquet file of the event store."""

    path: str
    table: pa.Table


@dataclass(frozen=True, slots=True)
class Truth:
    """A whole Parquet file of the truth."""

    path: str
    table: pa.Table


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: games played out of all, events recorded so far."""

    games: int
    of: int | None
    events: int


Output = Appended | Stored | Truth | Progress


def schema(*columns: tuple[str, pa.DataType]) -> pa.Schema:
    """An Arrow schema of named types."""
    return pa.schema(list(columns))


def table_of(rows: list[tuple[object, ...]], of: pa.Schema) -> pa.Table:
    """Rows of values as an Arrow table."""
    if not rows:
        return of.empty_table()
    columns = zip(zip(*rows, strict=True), of, strict=True)
    arrays = [pa.array(list(values), type=column.type) for values, column in columns]
    return pa.table(arrays, schema=of)
