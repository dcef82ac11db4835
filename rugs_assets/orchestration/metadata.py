"""What people look at in the UI: schemas, lineage, counts and places, as plain values."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from rugs_assets.domain.features import FEATURES
from rugs_assets.lake.specs import Commit, TableSpec

_FEATURES = {feature.name: feature for feature in FEATURES}


def column_schema(table: TableSpec) -> dg.TableSchema:
    """The declared columns of a table; features carry their unit and source."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=str(column.type),
                description=_description_of(column.name),
                constraints=dg.TableColumnConstraints(nullable=column.nullable),
            )
            for column in table.schema
        ]
    )


def _description_of(column: str) -> str | None:
    feature = _FEATURES.get(column)
    return f"{feature.source} [{feature.unit}]" if feature else None


def column_lineage(table: TableSpec, inputs: Sequence[TableSpec]) -> dg.TableColumnLineage:
    """Where columns come from: the nearest input that has a column of the same name.

    Derived features come from the features that they are made of.
    """
    return dg.TableColumnLineage(
        deps_by_column={
            column: found for column in table.schema.names if (found := _sources(column, inputs))
        }
    )


def _sources(column: str, inputs: Sequence[TableSpec]) -> list[dg.TableColumnDep]:
    feature = _FEATURES.get(column)
    for table in reversed(inputs):
        names = [column, *(feature.made_of if feature else ())]
        held = [name for name in names if name in table.schema.names]
        if held:
            columns = held[:1] if held[0] == column else held
            return [dg.TableColumnDep(asset_key=table.name, column_name=name) for name in columns]
    return []


def of_commit(commit: Commit, uri: str, table_rows: int, seconds: float) -> dict[str, Any]:
    """What every materialization says about the rows that it stored."""
    return {
        "dagster/partition_row_count": commit.rows,
        "dagster/row_count": table_rows,
        "dagster/uri": uri,
        "store_version": commit.version,
        "content_digest": commit.content_digest,
        "input_digest": commit.provenance.input_digest,
        "code_version": commit.provenance.code_version,
        "schema_version": commit.schema_version,
        "config": commit.provenance.config,
        "files": len(commit.files) if commit.rows else 0,  # an empty date has a file without rows
        "bytes": commit.bytes,
        "unchanged": commit.unchanged,
        "seconds": round(seconds, 3),
        "rows_per_second": round(commit.rows / seconds) if seconds > 0 else 0,
    }


def plain(values: Mapping[str, object]) -> dict[str, Any]:
    """Counts as metadata: numbers and texts as they are, everything nested as JSON."""
    return {
        name: value if isinstance(value, (bool, int, float, str)) else dg.MetadataValue.json(value)  # type: ignore[arg-type]  # a dict or a list of plain values
        for name, value in values.items()
    }
