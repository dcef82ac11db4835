"""Which rows are let into a date of a table: those of its schema and its date, and no others.

In: a batch as a caller hands it over. Out: the same rows in the storage schema, or a refusal that
names the column, what was expected and what was found. Nothing is cast: a silent cast hides a wrong
stage.
"""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from rugs_assets.lake.errors import RowsRefused
from rugs_assets.lake.specs import DATE_COLUMN, TableSpec


def admitted(spec: TableSpec, day: date, batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch in the storage schema of its table.

    Args:
        spec: the table.
        day: the date being replaced.
        batch: columns named, ordered and typed as `spec.schema`; a column `capture_date` may
            follow.

    Raises:
        RowsRefused: another name, order or type, a null where there may be none, or another date.
    """
    names = list(batch.schema.names)
    if names and names[-1] == DATE_COLUMN:
        _refuse_other_dates(spec, day, batch)
        names.pop()
    _refuse_other_columns(spec, day, batch, names)
    for field in spec.schema:
        column = batch.column(field.name)
        if not field.nullable and column.null_count:
            row = pc.index(column.is_null(), True).as_py()
            raise RowsRefused(
                f"{_place(spec, day)}: column {field.name} has {column.null_count} null(s), the "
                f"first in row {row} of a batch, but is declared nullable=False"
            )
    return pa.RecordBatch.from_arrays(
        [batch.column(name) for name in names], schema=spec.storage_schema
    )


def _refuse_other_columns(
    spec: TableSpec, day: date, batch: pa.RecordBatch, names: list[str]
) -> None:
    expected = spec.schema.names
    if names != expected:
        missing = [name for name in expected if name not in names]
        surplus = [name for name in names if name not in expected]
        order = "" if missing or surplus else f"; the order is {names}, expected {expected}"
        raise RowsRefused(
            f"{_place(spec, day)}: columns differ: missing {missing}, not expected {surplus}{order}"
        )
    for field in spec.schema:
        found = batch.schema.field(field.name).type
        if found != field.type:
            raise RowsRefused(
                f"{_place(spec, day)}: column {field.name} is {found}, expected {field.type}; "
                "nothing is cast here, build it in that type"
            )


def _refuse_other_dates(spec: TableSpec, day: date, batch: pa.RecordBatch) -> None:
    dates = batch.column(DATE_COLUMN)
    if dates.type != pa.date32():
        raise RowsRefused(
            f"{_place(spec, day)}: column {DATE_COLUMN} is {dates.type}, expected date32"
        )
    others = [found for found in pc.unique(dates).to_pylist() if found != day]
    if others:
        row = pc.index(dates, pa.scalar(others[0], pa.date32())).as_py()
        raise RowsRefused(
            f"{_place(spec, day)}: rows of another date, {others[0]} first, in row {row} of a "
            "batch; a commit replaces one date only"
        )


def _place(spec: TableSpec, day: date) -> str:
    return f"table {spec.name}, date {day}"
