"""The past of a table: shown, compared, gone back to."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from rugs_assets.lake import history
from rugs_assets.lake.errors import VersionMissing
from rugs_assets.lake.tables import Lake
from rugs_assets_tests.lake.example_tables import (
    MONDAY,
    THINGS,
    TUESDAY,
    WEDNESDAY,
    batches,
    made_by,
    the_generation,
)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Monday 1, Tuesday 1, Monday 2, Monday 2 by other code: versions 1 to 4."""
    lake = Lake(tmp_path / "store")
    lake.replace(THINGS, MONDAY, batches(300, 1), made_by())
    lake.replace(THINGS, TUESDAY, batches(100, 1), made_by())
    lake.replace(THINGS, MONDAY, batches(200, 2), made_by())
    lake.replace(THINGS, MONDAY, batches(200, 2), made_by(code="2"))
    return lake


def test_a_version_is_shown_date_by_date(lake: Lake) -> None:
    assert [(each.day, each.rows) for each in history.shown(lake, THINGS)] == [
        (MONDAY, 200),
        (TUESDAY, 100),
    ]
    (monday,) = history.shown(lake, THINGS, 1)
    assert (monday.rows, len(monday.files), monday.code_version) == (300, 1, "1")
    assert history.shown(lake, THINGS, 0) == []
    before = lake.versions(THINGS)[0].at
    now = datetime.now(UTC)
    assert before <= now
    assert history.shown(lake, THINGS, now) == history.shown(lake, THINGS)


def test_any_version_and_any_time_can_be_read(lake: Lake) -> None:
    entries = {entry.version: entry for entry in lake.versions(THINGS)}
    expected = {1: {MONDAY: 300}, 2: {MONDAY: 300, TUESDAY: 100}, 3: {MONDAY: 200, TUESDAY: 100}}
    for version, rows in expected.items():
        for at in (version, entries[version].at):
            assert lake.row_counts(THINGS, version=at) == rows
            assert lake.read(THINGS, version=at).to_arrow().num_rows == sum(rows.values())
    began = entries[0].at
    with pytest.raises(VersionMissing, match="was not there at"):
        lake.read(THINGS, version=began - timedelta(milliseconds=1))
    with pytest.raises(VersionMissing, match=r"has no zone; say which, as in 20.*\+00:00"):
        lake.read(THINGS, version=began.replace(tzinfo=None))


def test_a_difference_names_the_dates_and_what_differs(lake: Lake) -> None:
    (monday,) = history.changes(lake, THINGS, 2, 3)
    assert (monday.day, monday.rows, monday.differs_in) == (MONDAY, (300, 200), ("rows",))
    (monday,) = history.changes(lake, THINGS, 3, None)
    assert (monday.rows, monday.differs_in) == ((200, 200), ("code",))
    (tuesday,) = history.changes(lake, THINGS, 1, 2)
    assert (tuesday.day, tuesday.before, tuesday.rows) == (TUESDAY, None, (0, 100))
    assert tuesday.differs_in == ("added",)
    (tuesday,) = history.changes(lake, THINGS, 2, 1)
    assert tuesday.differs_in == ("removed",)
    assert history.changes(lake, THINGS, 4, None) == []


def test_a_date_goes_back_in_one_commit_and_forth_again(lake: Lake) -> None:
    (change,) = history.restore(lake, THINGS, 1, [MONDAY], "by hand")
    assert change.rows == (200, 300)
    assert the_generation(lake, MONDAY) == (1, 300)
    assert the_generation(lake, TUESDAY) == (1, 100)
    assert lake.version(THINGS) == 5
    newest = lake.versions(THINGS)[0]
    assert (newest.day, newest.rows, newest.run_id) == (MONDAY, 300, "by hand")
    stored = lake.provenance(THINGS, MONDAY)
    assert stored is not None
    assert newest.content_digest == stored.content_digest
    history.restore(lake, THINGS, 4, [MONDAY], "by hand")
    assert the_generation(lake, MONDAY) == (2, 200)
    assert history.restore(lake, THINGS, 4, [MONDAY, TUESDAY], "by hand") == []
    assert lake.version(THINGS) == 6


def test_what_was_never_there_or_is_gone_is_not_restored(lake: Lake) -> None:
    with pytest.raises(VersionMissing, match="does not hold 2025-12-17"):
        history.restore(lake, THINGS, 1, [WEDNESDAY], "by hand")
    with pytest.raises(VersionMissing, match="no version 9"):
        history.restore(lake, THINGS, 9, [MONDAY], "by hand")
    lake.vacuum(THINGS, retention_hours=0, dry_run=False)
    with pytest.raises(VersionMissing, match="was vacuumed"):
        history.restore(lake, THINGS, 1, [MONDAY], "by hand")
    assert the_generation(lake, MONDAY) == (2, 200)


def test_two_who_go_back_at_once_lose_nothing(lake: Lake) -> None:
    lake.replace(THINGS, TUESDAY, batches(50, 5), made_by())
    ready = threading.Barrier(2)

    def back(day: date) -> None:
        ready.wait(30)
        history.restore(Lake(lake.root), THINGS, 2, [day], "by hand")

    threads = [threading.Thread(target=back, args=(day,)) for day in (MONDAY, TUESDAY)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert the_generation(lake, MONDAY) == (1, 300)
    assert the_generation(lake, TUESDAY) == (1, 100)
