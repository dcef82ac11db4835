"""Replacing a date: order, atomicity, idempotence, refusals."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st

from rugs_assets.lake.errors import LakeError, RowsRefused, WriteFailed
from rugs_assets.lake.parquet_files import DateFiles
from rugs_assets.lake.tables import Lake
from rugs_assets_tests.lake.example_tables import (
    EPISODE_ROWS,
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
    return Lake(tmp_path / "store")


def test_order_is_kept_over_many_row_groups_and_files(lake: Lake) -> None:
    # write_deltalake scrambles rows on two or more CPUs; enough row groups here for it to show.
    rows = 20_000
    commit = lake.replace(THINGS, MONDAY, batches(rows, size=1_009), made_by())
    assert len(commit.files) > 50
    assert commit.rows == rows
    assert lake.read(THINGS, MONDAY).to_arrow().equals(things(rows))


def test_row_groups_are_exact_however_the_rows_arrive(lake: Lake) -> None:
    lake.replace(ONE_FILE, MONDAY, batches(1_050, size=7), made_by())
    (path,) = lake.read(ONE_FILE, MONDAY).files
    groups = pq.read_metadata(path)
    sizes = [groups.row_group(i).num_rows for i in range(groups.num_row_groups)]
    assert sizes == [100] * 10 + [50]


def test_an_episode_never_splits_over_files(lake: Lake) -> None:
    lake.replace(THINGS, MONDAY, batches(1_000), made_by())
    files = lake.read(THINGS, MONDAY).files
    assert len(files) == 4
    seen: set[str] = set()
    for path in files[:-1]:
        episodes = {str(name) for name in pq.read_table(path).column("episode_id").to_pylist()}
        assert not episodes & seen
        seen |= episodes
        # closed at the first episode that starts at or after row 250
        assert pq.read_metadata(path).num_rows == 5 * EPISODE_ROWS


def test_file_rows_alone_cuts_at_the_exact_row(lake: Lake) -> None:
    spec = replace(THINGS, keep_together=None)
    lake.replace(spec, MONDAY, batches(600), made_by())
    sizes = [pq.read_metadata(path).num_rows for path in lake.read(spec, MONDAY).files]
    assert sizes == [250, 250, 100]


def test_an_episode_that_comes_back_later_is_refused(lake: Lake) -> None:
    rows = things(3 * EPISODE_ROWS)
    shuffled = pa.concat_tables([rows, rows.slice(0, EPISODE_ROWS)])
    with pytest.raises(RowsRefused, match="episode_id='episode-000' comes back"):
        lake.replace(THINGS, MONDAY, shuffled.to_batches(50), made_by())


def test_replace_touches_exactly_one_date(lake: Lake) -> None:
    # dagster-deltalake left only the last of three dates, every run green.
    for generation, day in enumerate((MONDAY, TUESDAY, WEDNESDAY)):
        lake.replace(THINGS, day, batches(100, generation), made_by())
    before = lake.read(THINGS, [MONDAY, WEDNESDAY]).files
    lake.replace(THINGS, TUESDAY, batches(70, 9), made_by())
    assert lake.days(THINGS) == [MONDAY, TUESDAY, WEDNESDAY]
    assert lake.read(THINGS, [MONDAY, WEDNESDAY]).files == before
    assert the_generation(lake, TUESDAY) == (9, 70)
    assert lake.row_counts(THINGS) == {MONDAY: 100, TUESDAY: 70, WEDNESDAY: 100}


def test_no_rows_empty_the_date_and_it_stays_known(lake: Lake) -> None:
    lake.replace(THINGS, MONDAY, batches(100), made_by())
    lake.replace(THINGS, TUESDAY, batches(100), made_by())
    commit = lake.replace(THINGS, MONDAY, [], made_by(code="2"))
    assert commit.rows == 0
    assert lake.read(THINGS, MONDAY).to_arrow().num_rows == 0
    assert lake.row_counts(THINGS) == {MONDAY: 0, TUESDAY: 100}
    stored = lake.provenance(THINGS, MONDAY)
    assert stored is not None
    assert (stored.rows, stored.code_version) == (0, "2")
    assert lake.replace(THINGS, MONDAY, [], made_by(code="2")).unchanged


def test_the_same_again_commits_nothing(lake: Lake) -> None:
    first = lake.replace(THINGS, MONDAY, batches(500), made_by("run-1"))
    again = lake.replace(THINGS, MONDAY, batches(500, size=11), made_by("run-2"))
    assert not first.unchanged
    assert again.unchanged
    assert (again.version, again.files, again.content_digest) == (
        first.version,
        first.files,
        first.content_digest,
    )
    assert lake.version(THINGS) == first.version


def test_another_provenance_is_another_commit_of_the_same_content(lake: Lake) -> None:
    first = lake.replace(THINGS, MONDAY, batches(500), made_by(code="1"))
    second = lake.replace(THINGS, MONDAY, batches(500), made_by(code="2"))
    assert not second.unchanged
    assert second.version == first.version + 1
    assert second.content_digest == first.content_digest
    assert not set(second.files) & set(first.files)


def test_the_first_of_two_files_may_stay_the_same(lake: Lake) -> None:
    # A transaction that adds a path it also removes loses the file for some readers.
    lake.replace(THINGS, MONDAY, batches(600), made_by())
    lake.replace(THINGS, MONDAY, batches(599), made_by())
    log = Path(lake.uri(THINGS)) / "_delta_log" / f"{lake.version(THINGS):020d}.json"
    actions = [json.loads(line) for line in log.read_text().splitlines()]
    added = {action["add"]["path"] for action in actions if "add" in action}
    removed = {action["remove"]["path"] for action in actions if "remove" in action}
    assert len(added) == len(removed) == 2
    assert not added & removed
    assert the_generation(lake, MONDAY) == (0, 599)


def test_going_back_to_earlier_content_works(lake: Lake) -> None:
    first = lake.replace(THINGS, MONDAY, batches(300, 1), made_by())
    lake.replace(THINGS, MONDAY, batches(300, 2), made_by())
    third = lake.replace(THINGS, MONDAY, batches(300, 1), made_by())
    assert third.files == first.files
    assert third.version == first.version + 2
    assert the_generation(lake, MONDAY) == (1, 300)


def test_two_fresh_stores_hold_the_same_bytes(tmp_path: Path) -> None:
    commits = [
        Lake(tmp_path / name).replace(THINGS, MONDAY, batches(1_000, size=size), made_by(name))
        for name, size in (("one", 1_000), ("two", 13))
    ]
    assert commits[0].content_digest == commits[1].content_digest
    assert commits[0].files == commits[1].files
    contents = [
        [(tmp_path / name / "things" / file).read_bytes() for file in commits[0].files]
        for name in ("one", "two")
    ]
    assert contents[0] == contents[1]


def test_a_spoilt_file_of_the_same_name_is_put_right(lake: Lake) -> None:
    commit = lake.replace(THINGS, MONDAY, batches(100), made_by())
    path = Path(lake.uri(THINGS)) / commit.files[0]
    path.write_bytes(path.read_bytes()[:50])
    assert lake.replace(THINGS, MONDAY, batches(100), made_by()).unchanged
    assert the_generation(lake, MONDAY) == (0, 100)


def test_files_tell_where_they_come_from_but_not_the_run(lake: Lake) -> None:
    commit = lake.replace(THINGS, MONDAY, batches(600), made_by("run-77", code="c9", inputs="in"))
    stored = lake.provenance(THINGS, MONDAY)
    assert stored is not None
    assert (stored.code_version, stored.input_digest, stored.config) == ("c9", "in", '{"a": 1}')
    assert (stored.content_digest, stored.rows, stored.bytes, stored.files) == (
        commit.content_digest,
        commit.rows,
        commit.bytes,
        commit.files,
    )
    for path in lake.read(THINGS, MONDAY).files:
        assert b"run-77" not in Path(path).read_bytes()
    assert lake.provenance(THINGS, TUESDAY) is None


def _wrong_type() -> pa.Table:
    return things(10).set_column(3, pa.field("price", pa.float64()), pa.array([1.0] * 10))


def _null_where_none_may_be() -> pa.Table:
    index = THINGS.schema.get_field_index("row")
    return things(10).set_column(index, pa.field("row", pa.int64()), pa.array([None, *range(9)]))


def _other_date() -> pa.Table:
    days = pa.array([MONDAY] * 9 + [TUESDAY], pa.date32())
    return things(10).append_column("capture_date", days)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (_wrong_type, r"column price is double, expected float"),
        (_null_where_none_may_be, r"column row has 1 null"),
        (lambda: things(10).drop_columns(["price"]), r"missing \['price'\]"),
        (lambda: things(10).append_column("x", pa.array([1] * 10)), r"not expected \['x'\]"),
        (lambda: things(10).select(THINGS.schema.names[::-1]), r"the order is"),
        (_other_date, r"rows of another date, 2025-12-16 first, in row 9"),
    ],
)
def test_rows_that_do_not_belong_are_refused(
    lake: Lake, rows: Callable[[], pa.Table], message: str
) -> None:
    before = lake.replace(THINGS, MONDAY, batches(100), made_by())
    with pytest.raises(RowsRefused, match=message) as refused:
        lake.replace(THINGS, MONDAY, rows().to_batches(), made_by("run-2"))
    assert "table things, date 2025-12-15" in str(refused.value)
    assert lake.version(THINGS) == before.version
    assert the_generation(lake, MONDAY) == (0, 100)


def test_a_capture_date_column_of_the_same_date_is_let_in(lake: Lake) -> None:
    rows = things(10).append_column("capture_date", pa.array([MONDAY] * 10, pa.date32()))
    lake.replace(THINGS, MONDAY, rows.to_batches(), made_by())
    assert lake.read(THINGS, MONDAY).to_arrow().equals(things(10))


def test_a_stage_that_fails_midway_leaves_no_trace(lake: Lake, tmp_path: Path) -> None:
    lake.replace(THINGS, MONDAY, batches(100, 1), made_by())

    def failing() -> Iterator[pa.RecordBatch]:
        yield from batches(900, 2)
        raise OSError("the capture went away")

    with pytest.raises(OSError, match="the capture went away") as failed:
        lake.replace(THINGS, MONDAY, failing(), made_by())
    assert not isinstance(failed.value, WriteFailed)
    assert the_generation(lake, MONDAY) == (1, 100)
    left = [p for p in (tmp_path / "store" / "things" / "_staging").iterdir() if p.is_dir()]
    assert left == []


def test_a_time_is_not_a_date(lake: Lake) -> None:
    with pytest.raises(LakeError, match="a date is needed"):
        lake.replace(THINGS, datetime(2025, 12, 15), [], made_by())  # noqa: DTZ001 - the point


def test_a_checkpoint_bounds_what_opening_costs(lake: Lake) -> None:
    for ordinal in range(MONDAY.toordinal(), MONDAY.toordinal() + 21):
        lake.replace(ONE_FILE, date.fromordinal(ordinal), batches(3), made_by())
    log = Path(lake.uri(ONE_FILE)) / "_delta_log"
    assert len(list(log.glob("*.checkpoint.parquet"))) == 2
    assert len(list(log.glob("*.json"))) == 22  # nothing expires: releases cite old versions
    assert len(lake.days(ONE_FILE)) == 21


def test_the_partition_column_is_a_date_in_the_path_only(lake: Lake) -> None:
    commit = lake.replace(THINGS, MONDAY, batches(100), made_by())
    table = DeltaTable(lake.uri(THINGS))
    assert table.metadata().partition_columns == ["capture_date"]
    assert json.loads(table.schema().to_json())["fields"][-1]["type"] == "date"
    assert commit.files[0].startswith("capture_date=2025-12-15/part-00000-")
    path = Path(lake.uri(THINGS)) / commit.files[0]
    assert "capture_date" not in pq.read_schema(path).names


@settings(deadline=None, max_examples=40)
@given(sizes=st.lists(st.integers(0, 90), min_size=1, max_size=12), start=st.integers(0, 50))
def test_any_chunking_gives_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], start: int
) -> None:
    spec = replace(THINGS, row_group_rows=16, file_rows=70)
    rows = things(400)
    whole = _checksums(tmp_path_factory.mktemp("whole"), spec, rows.to_batches())
    chunks, at = [], 0
    while at < rows.num_rows:
        for size in [start, *sizes, 1]:
            chunks += rows.slice(at, size).combine_chunks().to_batches()
            at = min(at + size, rows.num_rows)
    assert _checksums(tmp_path_factory.mktemp("chunked"), spec, chunks) == whole


def _checksums(folder: Path, spec: object, chunks: list[pa.RecordBatch]) -> list[str]:
    assert isinstance(spec, type(THINGS))
    files = DateFiles(spec, made_by(), folder)
    for chunk in chunks:
        files.write(chunk)
    return [file.checksum for file in files.finish()]
