"""What a table may be declared as, and where a store may lie."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from rugs_assets.lake.errors import SpecInvalid, StoreInvalid
from rugs_assets.lake.tables import Lake, TableSpec
from rugs_assets_tests.lake.example_tables import THINGS


@pytest.mark.parametrize(
    "kind",
    [
        pa.uint8(),
        pa.list_(pa.float32(), 36),
        pa.list_(pa.uint32()),
        pa.struct([pa.field("a", pa.uint16())]),
        pa.timestamp("ns", tz="UTC"),
        pa.timestamp("us"),
        pa.large_string(),
        pa.dictionary(pa.int32(), pa.string()),
        pa.float16(),
    ],
    ids=str,
)
def test_a_type_that_delta_would_bend_is_refused(kind: pa.DataType) -> None:
    field: pa.Field[Any] = pa.field("x", kind)
    with pytest.raises(SpecInvalid, match=r"table t, column x: type .* has no faithful Delta type"):
        TableSpec("t", pa.schema([field]), schema_version=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "Bad-Name"}, "lower case"),
        ({"name": "../escape"}, "lower case"),
        ({"row_group_rows": 0}, "must be positive"),
        ({"file_rows": 0}, "must be positive"),
        ({"file_rows": None}, "keep_together needs file_rows"),
        ({"keep_together": "name"}, "nullable=False"),
        ({"keep_together": "nothing"}, "nullable=False"),
        ({"schema": THINGS.table_schema}, "added by the lake"),
    ],
)
def test_a_layout_that_cannot_be_honoured_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecInvalid, match=message):
        replace(THINGS, **change)


def test_the_fingerprint_follows_names_types_order_and_nullability_only() -> None:
    noted = replace(THINGS, schema=THINGS.schema.with_metadata({"note": "x"}))
    assert noted.fingerprint == THINGS.fingerprint
    assert not noted.storage_schema.metadata
    fields = list(THINGS.schema)
    others = [
        [*fields[1:], fields[0]],
        [fields[0].with_name("other"), *fields[1:]],
        [fields[0].with_nullable(True), *fields[1:]],
        [fields[0].with_type(pa.binary()), *fields[1:]],
    ]
    for changed in others:
        other = TableSpec("things", pa.schema(changed), schema_version=1)
        assert other.fingerprint != THINGS.fingerprint


@pytest.mark.parametrize("name", ["a%20b", "back\\slash", "new\nline"])
def test_a_folder_that_the_log_would_miss_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreInvalid, match="choose another folder"):
        Lake(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_url_that_lost_a_slash_is_told_so() -> None:
    with pytest.raises(StoreInvalid, match="lost a slash"):
        Lake(Path("s3://bucket/prefix"))


def test_an_unknown_kind_of_url_is_refused() -> None:
    with pytest.raises(StoreInvalid, match="'nowhere://x' cannot be opened"):
        Lake("nowhere://x")
