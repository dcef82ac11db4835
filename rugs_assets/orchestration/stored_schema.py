"""Do the files of a date hold the declared columns? Asked of the files, not of the declaration."""

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from rugs_assets.domain.violations import Violations, violations
from rugs_assets.lake.errors import SchemaMismatch, cure_of
from rugs_assets.lake.specs import TableSpec
from rugs_assets.orchestration.day import Day


def schemas_of(day: Day, table: TableSpec) -> Iterator[tuple[str, pa.Schema]]:
    """(file, the schema in its footer) of every file of the date.

    Raises:
        SchemaMismatch: A file was written under another schema version.
    """
    root = day.lake.root
    files = pafs.FileSystem.from_uri(root)[0] if "://" in root else pafs.LocalFileSystem()
    for path in day.lake.read(table, day.date).files:
        yield path, pq.read_schema(path, filesystem=files)


def violations_of_stored_schema(day: Day, table: TableSpec) -> Violations:
    """Every file has the declared columns: names, types, nullability, order, version."""
    return violations(
        "stored columns, types and order are the declared ones",
        _differences(day, table),
        cure=cure_of(table.name, day.date),
    )


def _differences(day: Day, table: TableSpec) -> Iterator[Mapping[str, object]]:
    try:
        found = list(schemas_of(day, table))
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


def _shown(column: "pa.Field[Any] | None") -> str:
    if column is None:
        return "no column"
    return f"{column.name} {column.type}{'' if column.nullable else ' not null'}"
