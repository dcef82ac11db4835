"""What is remembered of a log is what the log says, whoever committed meanwhile."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rugs_assets.lake import commits, delta_log
from rugs_assets.lake.delta_log import Snapshot, files_of, load, snapshot
from rugs_assets.lake.tables import Lake
from rugs_assets_tests.lake.example_tables import (
    MONDAY,
    THINGS,
    TUESDAY,
    WEDNESDAY,
    batches,
    made_by,
)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = Lake(tmp_path / "store")
    made.replace(THINGS, TUESDAY, batches(300, 1), made_by())
    return made


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The versions that were read, None for the latest."""
    found: list[object] = []

    def counted(*args: object) -> object:
        found.append(args[2] if len(args) > 2 else None)
        return load(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(delta_log, "load", counted)
    monkeypatch.setattr(commits, "load", counted)
    return found


def as_read(lake: Lake) -> Snapshot:
    table = load(lake.store, THINGS)
    return Snapshot(table.version(), tuple(files_of(table)))


def test_after_a_commit_what_is_remembered_is_what_the_log_says(
    lake: Lake, loads: list[object]
) -> None:
    for day, rows in ((MONDAY, 600), (WEDNESDAY, 0), (TUESDAY, 10), (TUESDAY, 10)):
        loads.clear()
        lake.replace(THINGS, day, batches(rows, 2), made_by())
        assert loads == [None]  # for the commit itself
        assert snapshot(lake.store, THINGS) == as_read(lake)
        assert lake.row_counts(THINGS)[day] == rows
        assert lake.version(THINGS) == snapshot(lake.store, THINGS).version
        assert loads == [None]


def test_reading_reads_the_log_once(lake: Lake, loads: list[object]) -> None:
    reader = Lake(lake.root)
    for _ in range(3):
        assert reader.read(THINGS, TUESDAY).to_arrow().num_rows == 300
        assert reader.provenance(THINGS, TUESDAY) is not None
        assert reader.read(THINGS, TUESDAY, version=reader.version(THINGS)).count() == 300
    assert loads == [None]


def test_what_others_commit_is_seen_at_once(lake: Lake) -> None:
    other = Lake(lake.root)
    for rows in (20, 30):
        before = lake.version(THINGS)
        other.replace(THINGS, MONDAY, batches(rows, 2), made_by())
        assert lake.row_counts(THINGS) == {MONDAY: rows, TUESDAY: 300}
        assert lake.read(THINGS, MONDAY).to_arrow().num_rows == rows
        assert lake.version(THINGS) == before + 1
        then = lake.read(THINGS, version=before).count()
        assert then != 300 + rows


def test_a_table_that_was_put_in_the_place_of_another_is_read_anew(
    lake: Lake, tmp_path: Path
) -> None:
    assert lake.row_counts(THINGS) == {TUESDAY: 300}
    other = Lake(tmp_path / "other")
    other.replace(THINGS, WEDNESDAY, batches(120, 5), made_by())
    assert other.version(THINGS) == lake.version(THINGS)
    shutil.rmtree(lake.uri(THINGS))
    shutil.copytree(other.uri(THINGS), lake.uri(THINGS))
    assert lake.row_counts(THINGS) == {WEDNESDAY: 120}
    shutil.rmtree(lake.uri(THINGS))
    lake.replace(THINGS, MONDAY, batches(7, 1), made_by())  # made anew, as for the first time
    assert lake.row_counts(THINGS) == {MONDAY: 7}


def test_a_date_is_read_as_it_was_when_it_was_first_asked_for(lake: Lake) -> None:
    dated = lake.dated(THINGS, TUESDAY)
    assert dated is not None
    lake.replace(THINGS, TUESDAY, batches(10, 2), made_by())
    assert dated.stored.rows == dated.rows().to_arrow().num_rows == 300
    assert dated.rows(["row"]).schema.names == ["row"]
    assert lake.dated(THINGS, MONDAY) is None


def test_files_of_some_dates_come_in_order_of_rows(lake: Lake) -> None:
    for day in (WEDNESDAY, MONDAY):
        lake.replace(THINGS, day, batches(600, 1), made_by())
    latest = snapshot(lake.store, THINGS)
    assert len(latest.of(MONDAY)) > 1
    assert latest.among({WEDNESDAY, MONDAY}) == latest.of(MONDAY) + latest.of(WEDNESDAY)
    assert latest.among(None) == latest.files
    assert latest.files == tuple(sorted(latest.files))
