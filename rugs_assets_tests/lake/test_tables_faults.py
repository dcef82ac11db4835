"""Several processes at once, killed ones, and a storage that refuses."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from rugs_assets.lake.errors import WriteFailed
from rugs_assets.lake.tables import Lake
from rugs_assets_tests.lake import writer_process
from rugs_assets_tests.lake.example_tables import (
    MONDAY,
    THINGS,
    TUESDAY,
    WEDNESDAY,
    batches,
    made_by,
    the_generation,
)

_SPAWN = multiprocessing.get_context("spawn")
_KILLS = 5


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "store")


@contextmanager
def running(*jobs: tuple[Any, ...]) -> Iterator[list[SpawnProcess]]:
    """Processes that run (function, arguments...) during the body and are gone after it."""
    processes = [_SPAWN.Process(target=job[0], args=job[1:]) for job in jobs]
    for process in processes:
        process.start()
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.join()


def test_processes_lose_nothing_and_readers_see_whole_dates(lake: Lake) -> None:
    lake.replace(THINGS, MONDAY, batches(300, 0), made_by())
    jobs: list[tuple[date, list[int]]] = [
        (TUESDAY, [21, 22, 23, 24]),
        (WEDNESDAY, [31, 32, 33, 34]),
        (MONDAY, [11, 12, 13, 14]),
        (MONDAY, [15, 16, 17, 18]),
    ]
    write = writer_process.write_generations
    with running(*((write, lake.root, day, todo, 300) for day, todo in jobs)) as processes:
        while any(process.is_alive() for process in processes):
            assert the_generation(lake, MONDAY)[1] == 300  # one generation, whole, in order
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0] * 4
    assert the_generation(lake, TUESDAY) == (24, 300)
    assert the_generation(lake, WEDNESDAY) == (34, 300)
    assert the_generation(lake, MONDAY)[0] in (14, 18)
    written = sorted(int((e.run_id or "")[4:]) for e in lake.versions(THINGS) if e.day)
    assert written == sorted([1, *(generation for _, todo in jobs for generation in todo)])


def test_a_table_is_created_once_by_several_processes(lake: Lake) -> None:
    with running(*[(writer_process.create, lake.root)] * 3) as processes:
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0] * 3
    assert lake.version(THINGS) == 0


def test_a_killed_writer_leaves_the_last_complete_version(lake: Lake, tmp_path: Path) -> None:
    lake.replace(THINGS, MONDAY, batches(900, 0), made_by())
    dice = random.Random(20251215)
    for round_number in range(_KILLS):
        ready = tmp_path / f"ready-{round_number}"
        job = (writer_process.write_for_ever, lake.root, str(ready), 1_000 * (round_number + 1))
        with running(job) as (process,):
            _wait_for(ready, process)
            time.sleep(dice.uniform(0, 0.08))
        generation, rows = the_generation(lake, MONDAY)
        assert generation >= 1_000 * (round_number + 1)
        assert rows == 900
        newest = lake.versions(THINGS, limit=1)[0]
        assert newest.run_id == f"run-{generation}"
    lake.replace(THINGS, MONDAY, batches(30, 7), made_by())
    assert the_generation(lake, MONDAY) == (7, 30)
    lake.vacuum(THINGS, retention_hours=0, dry_run=False)
    _assert_no_orphans(lake)


def test_a_file_that_may_not_grow_is_an_error_and_the_table_stays(
    lake: Lake, tmp_path: Path
) -> None:
    lake.replace(THINGS, MONDAY, batches(60, 1), made_by())
    said = tmp_path / "said"
    job = (writer_process.write_with_little_room, lake.root, str(said))
    with running(job) as (process,):
        process.join()
        assert process.exitcode == 0
    text = said.read_text()
    assert f"table things, date 2025-12-15, store {lake.root}" in text
    assert "the last complete version is intact" in text
    assert "dagster asset materialize" in text
    assert the_generation(lake, MONDAY) == (1, 60)
    _assert_no_orphans(lake)


def test_a_store_that_is_no_folder_is_an_error_of_its_own(lake: Lake) -> None:
    Path(lake.root).write_text("not a folder")
    with pytest.raises(WriteFailed, match=r"table things cannot be created at .*may be written"):
        lake.replace(THINGS, MONDAY, batches(60), made_by())


def test_a_store_that_goes_away_while_it_is_written_stays_as_it_was(
    lake: Lake, tmp_path: Path
) -> None:
    lake.replace(THINGS, MONDAY, batches(60, 1), made_by())
    elsewhere = tmp_path / "elsewhere"

    def moving() -> Iterator[pa.RecordBatch]:
        yield from batches(600, 2)
        Path(lake.root).rename(elsewhere)

    with pytest.raises(WriteFailed, match="table things, date 2025-12-15, store"):
        lake.replace(THINGS, MONDAY, moving(), made_by())
    moved = Lake(elsewhere)
    assert the_generation(moved, MONDAY) == (1, 60)
    assert moved.vacuum(THINGS, retention_hours=0, dry_run=False).dead_writers == 1
    _assert_no_orphans(moved)


def _wait_for(path: Path, process: SpawnProcess) -> None:
    while not path.exists():
        assert process.is_alive(), "the writer ended by itself"
        time.sleep(0.005)


def _assert_no_orphans(lake: Lake) -> None:
    """Every data file belongs to the latest version, and nobody's unfinished files are left."""
    folder = Path(lake.uri(THINGS))
    referenced = set(lake.read(THINGS).files)
    assert {str(path) for path in folder.glob("capture_date=*/*")} == referenced
    assert {p.name for p in (folder / "_staging").iterdir()} <= {"create.lock", "publish.lock"}
    log = {path.name for path in (folder / "_delta_log").iterdir()}
    assert {name for name in log if not name[0].isdigit()} <= {"_last_checkpoint"}
