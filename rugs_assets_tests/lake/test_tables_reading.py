"""Reading: order, columns, versions, pandas, other tools, and what is said when it cannot be."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as pads
import pytest

from rugs_assets.lake.errors import (
    FileDamaged,
    LakeError,
    SchemaMismatch,
    TableMissing,
    VersionMissing,
)
from rugs_assets.lake.tables import Lake
from rugs_assets_tests.lake.example_tables import (
    MONDAY,
    ONE_FILE,
    THINGS,
    TUESDAY,
    WEDNESDAY,
    batches,
    made_by,
    the_generation,
    things,
)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Three dates, the second without rows, written in no order."""
    lake = Lake(tmp_path / "store")
    lake.replace(THINGS, WEDNESDAY, batches(700, 3), made_by("run-3"))
    lake.replace(THINGS, MONDAY, batches(600, 1), made_by("run-1"))
    lake.replace(THINGS, TUESDAY, [], made_by("run-2"))
    return lake


def test_several_dates_come_in_order_with_their_date_last(lake: Lake) -> None:
    table = lake.read(THINGS).to_arrow()
    assert table.schema == THINGS.table_schema
    assert table.column("capture_date").to_pylist() == [MONDAY] * 600 + [WEDNESDAY] * 700
    expected = pa.concat_tables([things(600, 1), things(700, 3)])
    assert table.drop_columns(["capture_date"]).equals(expected)
    assert lake.read(THINGS).count() == 1_300


def test_one_date_comes_as_it_was_written(lake: Lake) -> None:
    rows = lake.read(THINGS, MONDAY)
    assert rows.schema == THINGS.storage_schema
    assert rows.to_arrow().equals(things(600, 1))


def test_a_date_that_is_not_stored_has_no_rows(lake: Lake) -> None:
    missing = lake.read(THINGS, date(2020, 1, 1))
    assert missing.count() == 0
    assert missing.to_arrow().schema == THINGS.storage_schema
    assert lake.read(THINGS, []).count() == 0


def test_columns_come_in_the_order_asked_for(lake: Lake) -> None:
    table = lake.read(THINGS, [MONDAY], columns=["price", "capture_date", "row"]).to_arrow()
    assert table.column_names == ["price", "capture_date", "row"]
    assert table.column("row").to_pylist() == list(range(600))
    assert lake.read(THINGS, MONDAY, columns=["capture_date"]).to_arrow().num_rows == 600
    with pytest.raises(LakeError, match="no column 'prize'; it has episode_id, row"):
        lake.read(THINGS, MONDAY, columns=["prize"])


def test_batches_are_bounded_and_in_order(lake: Lake) -> None:
    found = list(lake.read(THINGS, [MONDAY, WEDNESDAY]).batches(rows=64))
    assert max(batch.num_rows for batch in found) == 64
    rows = [row for batch in found for row in batch.column("row").to_pylist()]
    assert rows == [*range(600), *range(700)]


def test_pandas_keeps_null_apart_from_numbers(lake: Lake) -> None:
    frame = lake.read(THINGS, [MONDAY]).to_pandas()
    assert list(frame.columns) == THINGS.table_schema.names
    assert {name: str(frame[name].dtype) for name in ("row", "generation", "price")} == {
        "row": "int64",
        "generation": "int32",
        "price": "float32",
    }
    assert str(frame["amount"].dtype) == "double[pyarrow]"
    assert str(frame["tick"].dtype) == "int32[pyarrow]"
    assert str(frame["flag"].dtype) == "bool[pyarrow]"
    assert frame["tick"][0] is pd.NA
    assert frame["tick"][1] == 1
    assert int(frame["flag"].isna().sum()) == 120
    assert frame["name"].isna()[0]
    assert frame["name"][1] == "name 1"
    assert str(frame["received_at"].dtype) == "datetime64[us, UTC]"
    assert (frame["capture_date"] == "2025-12-15").all()
    assert isinstance(frame["price"].to_numpy(), np.ndarray)


def test_pandas_of_nothing_has_the_same_columns(lake: Lake) -> None:
    empty, full = (lake.read(THINGS, day).to_pandas() for day in (TUESDAY, MONDAY))
    assert len(empty) == 0
    assert empty.dtypes.equals(full.dtypes)


def test_nan_and_null_stay_different_in_a_nullable_column(tmp_path: Path) -> None:
    rows = things(3).set_column(4, THINGS.schema.field("amount"), pa.array([1.0, None, np.nan]))
    lake = Lake(tmp_path)
    lake.replace(THINGS, MONDAY, rows.to_batches(), made_by())
    amount = lake.read(THINGS, MONDAY).to_pandas()["amount"]
    assert amount[1] is pd.NA
    assert np.isnan(amount[2])


def test_time_travel(lake: Lake) -> None:
    before = lake.version(THINGS)
    between = datetime.now(UTC)
    lake.replace(THINGS, MONDAY, batches(10, 8), made_by("run-8"))
    assert the_generation(lake, MONDAY) == (8, 10)
    assert the_generation(lake, MONDAY, version=before) == (1, 600)
    assert lake.read(THINGS, MONDAY, version=between).count() == 600
    assert lake.days(THINGS, version=0) == []
    assert lake.days(THINGS, version=1) == [WEDNESDAY]
    stored = lake.provenance(THINGS, MONDAY, version=before)
    assert stored is not None
    assert (stored.rows, stored.version) == (600, before)
    with pytest.raises(VersionMissing, match="no version 99; its latest is 4"):
        lake.read(THINGS, MONDAY, version=99)


def test_the_log_tells_every_version(lake: Lake) -> None:
    commit = lake.replace(THINGS, MONDAY, batches(10, 8), made_by("run-8", code="7", inputs="xyz"))
    newest, *older = lake.versions(THINGS)
    assert (newest.version, newest.day, newest.rows, newest.run_id) == (4, MONDAY, 10, "run-8")
    assert (newest.code_version, newest.schema_version, newest.input_digest) == ("7", 1, "xyz")
    assert newest.content_digest == commit.content_digest
    assert newest.checksums == tuple(zip(commit.files, commit.checksums, strict=True))
    assert timedelta(0) <= datetime.now(UTC) - newest.at < timedelta(minutes=5)
    assert [entry.version for entry in older] == [3, 2, 1, 0]
    assert (older[-1].operation, older[-1].day) == ("CREATE TABLE", None)
    assert [entry.version for entry in lake.versions(THINGS, limit=2)] == [4, 3]


def test_the_log_is_whole_at_a_checkpoint(tmp_path: Path) -> None:
    # DeltaTable.history() returns nothing at such a version.
    lake = Lake(tmp_path)
    for generation in range(10):
        lake.replace(ONE_FILE, MONDAY, batches(3, generation), made_by())
    assert [entry.version for entry in lake.versions(ONE_FILE)] == list(range(10, -1, -1))


def test_another_schema_version_is_refused_with_the_cure(lake: Lake) -> None:
    newer = replace(THINGS, schema_version=2)
    lake.replace(newer, MONDAY, batches(5), made_by())
    assert lake.read(newer, MONDAY).count() == 5
    with pytest.raises(SchemaMismatch) as mismatch:
        lake.read(newer, [MONDAY, WEDNESDAY])
    text = str(mismatch.value)
    assert "table things, date 2025-12-17" in text
    assert "schema version 1, expected 2" in text
    assert "dagster asset materialize --select 'key:\"things\"' --partition 2025-12-17" in text
    stored = lake.provenance(newer, WEDNESDAY)
    assert stored is not None
    assert stored.schema_version == 1


def test_other_columns_under_the_same_version_are_refused(lake: Lake) -> None:
    other = replace(THINGS, schema=THINGS.schema.append(pa.field("extra", pa.int8())))
    with pytest.raises(SchemaMismatch, match="raise schema_version"):
        lake.read(other, MONDAY)


def test_a_schema_grows_date_by_date(lake: Lake) -> None:
    schema = THINGS.schema.append(pa.field("extra", pa.int8()))
    newer = replace(THINGS, schema=schema, schema_version=2)
    rows = things(10).append_column(schema.field("extra"), pa.array([1] * 10, pa.int8()))
    lake.replace(newer, MONDAY, rows.to_batches(), made_by())
    assert lake.read(newer, MONDAY).to_arrow().equals(rows)
    with pytest.raises(SchemaMismatch):
        lake.read(newer, WEDNESDAY)


def test_a_missing_table_names_the_cure(tmp_path: Path) -> None:
    with pytest.raises(TableMissing, match=r"things does not exist at .*; compute a date"):
        Lake(tmp_path).read(THINGS)
    assert list(tmp_path.iterdir()) == []


def test_no_flipped_byte_changes_rows_unnoticed(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.replace(ONE_FILE, MONDAY, batches(200), made_by())
    path = Path(lake.read(ONE_FILE, MONDAY).files[0])
    content = path.read_bytes()
    said: list[str] = []
    for at in range(4, len(content), 61):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        try:
            # statistics in page headers are not rows: flipping them may go unnoticed
            assert lake.read(ONE_FILE, MONDAY).to_arrow().equals(things(200))
        except (FileDamaged, SchemaMismatch) as noticed:
            said.append(str(noticed))
    assert len(said) > 50
    assert all("table one_file, date 2025-12-15" in text for text in said)


def test_a_missing_file_is_noticed_before_the_first_row(lake: Lake) -> None:
    path = Path(lake.read(THINGS, MONDAY).files[1])
    path.unlink()
    with pytest.raises(FileDamaged, match="is gone"):
        lake.read(THINGS, MONDAY)


def test_duckdb_reads_the_files(lake: Lake) -> None:
    duckdb = pytest.importorskip("duckdb")
    files = list(lake.read(THINGS).files)
    query = (
        "select capture_date, count(*), sum(row) from read_parquet($files, hive_partitioning=true)"
        " group by capture_date order by 1"
    )
    with duckdb.connect() as connection:
        found = connection.execute(query, {"files": files}).fetchall()
    assert found == [
        (MONDAY, 600, sum(range(600))),
        (WEDNESDAY, 700, sum(range(700))),
    ]


def test_polars_reads_the_table(lake: Lake) -> None:
    polars = pytest.importorskip("polars")
    frame = polars.scan_delta(lake.uri(THINGS)).sort("capture_date", "row").collect()
    assert frame.height == 1_300
    assert frame["capture_date"].unique(maintain_order=True).to_list() == [MONDAY, WEDNESDAY]
    assert frame["tick"].null_count() == 200 + 234
    one = polars.read_parquet(list(lake.read(THINGS, MONDAY).files), hive_partitioning=True)
    assert one["row"].to_list() == list(range(600))


def test_pandas_and_pyarrow_read_the_files(lake: Lake) -> None:
    files = list(lake.read(THINGS, MONDAY).files)
    assert len(pd.concat(pd.read_parquet(path) for path in files)) == 600
    assert pads.dataset(files).count_rows() == 600


@pytest.mark.parametrize("name", ["a b", "ü#1", "100%", "[x]", "it's"])
def test_a_store_may_lie_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    lake = Lake(tmp_path / name)
    lake.replace(ONE_FILE, MONDAY, batches(10), made_by())
    assert lake.read(ONE_FILE, MONDAY).count() == 10
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_relative_store_stays_where_it_was_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lake = Lake("store")
    monkeypatch.chdir("/")
    lake.replace(ONE_FILE, MONDAY, batches(10), made_by())
    assert (tmp_path / "store" / "one_file" / "_delta_log").is_dir()
    assert Lake((tmp_path / "store").as_uri()).read(ONE_FILE, MONDAY).count() == 10


def test_reading_needs_neither_a_scheduler_nor_pandas(lake: Lake) -> None:
    code = f"""
import sys
from rugs_assets.lake.tables import Lake
from rugs_assets_tests.lake.example_tables import THINGS
assert Lake({lake.root!r}).read(THINGS).to_arrow().num_rows == 1300
print([name for name in ("dagster", "pandas", "polars") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=_root()
    )
    assert done.stdout.strip() == "[]"


def _root() -> Path:
    return Path(__file__).parents[2]
