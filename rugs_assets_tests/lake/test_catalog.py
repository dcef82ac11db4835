"""The tables of this project can be created, written and read."""

from __future__ import annotations

from pathlib import Path

import pytest

from rugs_assets.lake.catalog import TABLES, TRAINING_SHARDS
from rugs_assets.lake.tables import Lake, TableSpec
from rugs_assets_tests.lake.example_tables import MONDAY, made_by


@pytest.mark.parametrize("spec", TABLES, ids=lambda spec: str(spec.name))
def test_a_table_holds_no_rows_and_some(tmp_path: Path, spec: TableSpec) -> None:
    lake = Lake(tmp_path)
    lake.replace(spec, MONDAY, [], made_by())
    assert lake.read(spec, MONDAY).to_arrow().schema == spec.storage_schema
    assert list(lake.read(spec).to_pandas().columns) == [*spec.schema.names, "capture_date"]


def test_tables_have_names_of_their_own() -> None:
    names = [spec.name for spec in TABLES]
    assert len(set(names)) == len(names) == 7


def test_shards_keep_episodes_whole_and_are_plainly_encoded() -> None:
    assert TRAINING_SHARDS.keep_together == "episode_id"
    assert (TRAINING_SHARDS.compression, TRAINING_SHARDS.dictionary) == ("lz4", False)


FINGERPRINTS = {
    ("raw_ws_events", 1): "d9e5a0b3a140",
    ("rejected_input", 1): "c5d28260dcd8",
    ("episodes", 1): "8167c7e68acd",
    ("observations", 1): "60496fbe29e2",
    ("aligned_samples", 1): "63d05fb62d81",
    ("unaligned_actions", 1): "f7545f575f6e",
    ("training_shards", 2): "0b28915eac3b",
}
"""(Table, schema version) -> its columns. Never change an entry: put a new version in its place."""


def test_other_columns_are_another_schema_version() -> None:
    found = {(spec.name, spec.schema_version): spec.fingerprint[:12] for spec in TABLES}
    assert found == FINGERPRINTS
