"""Do the files of a date hold the declared columns? Asked of the files, not of the declaration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

import pyarrow as pa

from rugs_assets.domain.violations import Violations, violations
from rugs_assets.lake.date_rows import DateRows
from rugs_assets.lake.errors import SchemaMismatch, cure_of
from rugs_assets.lake.specs import TableSpec


def violations_of_stored_schema(day: DateRows, table: TableSpec) -> Violations:
    """Every file has the declared columns: names, types, nullability, order, version."""
    return violations(
        "stored columns, types and order are the declared ones",
        _differences(day, table),
        cure=cure_of(table.made_by, day.date),
    )


def _differences(day: DateRows, table: TableSpec) -> Iterator[Mapping[str, object]]:
    try:
        found = list(day.schemas(table))
    except SchemaMismatch as error:
        yield {"file": table.name, "problem": str(error)}
        return
    for path, schema in found:
        columns = zip_longest(table.storage_schema, schema)
        for position, (declared, stored) in enumerate(columns):
            # `equals` of the types ignores how Parquet calls the elements of a list.
            if declared is None or stored is None or not declared.equals(stored):
                yield {
                    "file": path,
                    "position": position,
                    "expected": _shown(declared),
                    "found": _shown(stored),
                }


def _shown(column: pa.Field[Any] | None) -> str:
    if column is None:
        return "no column"
    return f"{column.name} {column.type}{'' if column.nullable else ' not null'}"
