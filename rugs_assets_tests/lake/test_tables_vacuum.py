"""Vacuum: kept versions stay readable, running writers are left alone."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from rugs_assets.lake.errors import FileDamaged, LakeBusy, LakeError, VersionMissing
from rugs_assets.lake.locks import held
from rugs_assets.lake.tables import Lake
from rugs_assets_tests.lake.example_tables import (
    MONDAY,
    THINGS,
    TUESDAY,
    batches,
    made_by,
    the_generation,
)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Four versions of Monday: generations 1 to 4."""
    lake = Lake(tmp_path / "store")
    for generation in (1, 2, 3, 4):
        lake.replace(THINGS, MONDAY, batches(100, generation), made_by())
    return lake


def test_kept_versions_stay_readable_and_others_go(lake: Lake) -> None:
    done = lake.vacuum(THINGS, keep_versions=[2], retention_hours=0, dry_run=False)
    assert len(done.files) == 2
    assert the_generation(lake, MONDAY) == (4, 100)
    assert the_generation(lake, MONDAY, version=2) == (2, 100)
    for version in (1, 3):
        with pytest.raises(FileDamaged, match="was its version vacuumed"):
            lake.read(THINGS, MONDAY, version=version)


def test_a_dry_run_deletes_nothing(lake: Lake) -> None:
    said = lake.vacuum(THINGS, retention_hours=0)
    assert (len(said.files), said.dry_run) == (3, True)
    assert the_generation(lake, MONDAY, version=1) == (1, 100)
    assert lake.version(THINGS) == 4


def test_what_was_replaced_within_the_retention_stays(lake: Lake) -> None:
    orphan = Path(lake.uri(THINGS)) / "capture_date=2025-12-15" / "part-00000-orphan.parquet"
    orphan.write_bytes(b"of a writer that has not committed yet")
    assert lake.vacuum(THINGS, dry_run=False).files == ()
    assert orphan.exists()
    assert the_generation(lake, MONDAY, version=1) == (1, 100)


def test_an_old_orphan_goes(lake: Lake) -> None:
    orphan = Path(lake.uri(THINGS)) / "capture_date=2025-12-15" / "part-00000-orphan.parquet"
    orphan.write_bytes(b"of a writer that was killed")
    long_ago = time.time() - 400 * 3_600
    os.utime(orphan, (long_ago, long_ago))
    done = lake.vacuum(THINGS, dry_run=False)
    assert done.files == ("capture_date=2025-12-15/part-00000-orphan.parquet",)
    assert not orphan.exists()


def test_content_that_came_back_is_not_taken_for_replaced(lake: Lake) -> None:
    lake.replace(THINGS, MONDAY, batches(100, 1), made_by())
    lake.vacuum(THINGS, retention_hours=0, dry_run=False)
    assert the_generation(lake, MONDAY) == (1, 100)


def test_dates_are_written_and_replaced_after_a_vacuum(lake: Lake) -> None:
    lake.vacuum(THINGS, retention_hours=0, dry_run=False)
    lake.replace(THINGS, TUESDAY, batches(100, 5), made_by())
    commit = lake.replace(THINGS, MONDAY, batches(100, 2), made_by())
    assert commit.version == lake.version(THINGS)
    assert the_generation(lake, MONDAY) == (2, 100)
    assert the_generation(lake, TUESDAY) == (5, 100)
    operations = [entry.operation for entry in lake.versions(THINGS)]
    assert operations[:4] == ["REPLACE DATE", "REPLACE DATE", "VACUUM END", "VACUUM START"]


def test_a_version_to_keep_must_exist(lake: Lake) -> None:
    with pytest.raises(VersionMissing, match="no version 44"):
        lake.vacuum(THINGS, keep_versions=[44], retention_hours=0, dry_run=False)
    assert the_generation(lake, MONDAY, version=1) == (1, 100)


def test_a_writer_about_to_commit_holds_vacuum_off(lake: Lake) -> None:
    lock = Path(lake.uri(THINGS)) / "_staging" / "publish.lock"
    with (
        held(lock, shared=True, timeout=0),
        pytest.raises(LakeBusy, match=r"publish\.lock was not free within 0\.1 s"),
    ):
        lake.vacuum(THINGS, retention_hours=0, dry_run=False, timeout=0.1)
    assert the_generation(lake, MONDAY, version=1) == (1, 100)


def test_a_writer_still_streaming_survives_a_vacuum(lake: Lake) -> None:
    streaming, vacuumed = threading.Event(), threading.Event()

    def slow() -> Iterator[pa.RecordBatch]:
        first, *rest = batches(900, 9, size=450)
        yield first
        streaming.set()
        assert vacuumed.wait(30)
        yield from rest

    writer = threading.Thread(
        target=lambda: lake.replace(THINGS, MONDAY, slow(), made_by()), daemon=True
    )
    writer.start()
    assert streaming.wait(30)
    done = lake.vacuum(THINGS, retention_hours=0, dry_run=False)
    vacuumed.set()
    writer.join(30)
    assert done.dead_writers == 0
    assert the_generation(lake, MONDAY) == (9, 900)


def test_a_negative_retention_is_refused(lake: Lake) -> None:
    with pytest.raises(LakeError, match="retention_hours=-1"):
        lake.vacuum(THINGS, retention_hours=-1)
