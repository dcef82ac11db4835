"""What people look at in the UI: schemas, lineage, counts and places, as plain values."""

import json
from collections.abc import Sequence
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


def of_commit(
    commit: Commit, uri: str, *, table_rows: int, input_bytes: int, seconds: float
) -> dict[str, Any]:
    """What every materialization says about the rows that it stored.

    Args:
        commit: What was stored.
        uri: Where the table lies.
        table_rows: Rows of all its dates.
        input_bytes: What was read, as it lies on disk.
        seconds: From the start of the asset to its commit.
    """
    some = max(seconds, 1e-9)
    return {
        "dagster/partition_row_count": commit.rows,
        "dagster/row_count": table_rows,
        "dagster/uri": uri,
        "store_version": commit.version,
        "unchanged": commit.unchanged,
        "seconds": round(seconds, 3),
        "rows_per_second": round(commit.rows / some),
        "input_mb_per_second": round(input_bytes / 1e6 / some, 2),
        "input_mb": round(input_bytes / 1e6, 3),
        "stored_mb": round(commit.bytes / 1e6, 3),
        "files": len(commit.files) if commit.rows else 0,  # an empty date has a file without rows
        "config": dg.MetadataValue.json(json.loads(commit.provenance.config)),
        "code_version": commit.provenance.code_version,
        "schema_version": commit.schema_version,
        "content_digest": commit.content_digest,
        "input_digest": commit.provenance.input_digest,
    }
