"""The event log keeps its databases open, and tells and keeps the same as Dagster's own."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import EngineEventData
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sql import check_alembic_revision, get_alembic_config
from dagster._core.utils import make_new_run_id
from sqlalchemy.engine import Engine

from rugs_assets.orchestration import event_log
from rugs_assets.orchestration.event_log import MOST_OPEN, ProjectEventLogStorage


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The databases that were opened, in order."""
    found: list[str] = []
    original = ProjectEventLogStorage._open

    def counted(self: ProjectEventLogStorage, name: str) -> object:
        found.append(name)
        return original(self, name)

    monkeypatch.setattr(ProjectEventLogStorage, "_open", counted)
    return found


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[ProjectEventLogStorage]:
    made = ProjectEventLogStorage(str(tmp_path))
    yield made
    made.dispose()


def said(run_id: str, text: str, kind: str = "ENGINE_EVENT") -> dg.EventLogEntry:
    data = EngineEventData() if kind == "ENGINE_EVENT" else None
    event = dg.DagsterEvent(kind, "a_job", event_specific_data=data, message=text)
    return dg.EventLogEntry(  # type: ignore[no-untyped-call]  # Dagster's
        error_info=None,
        level=10,
        user_message=text,
        run_id=run_id,
        timestamp=0.0,
        job_name="a_job",
        dagster_event=event,
    )


def texts(storage: SqliteEventLogStorage, run_id: str) -> list[str]:
    return [entry.user_message for entry in storage.get_logs_for_run(run_id)]


def test_events_of_a_run_open_its_database_once(
    storage: ProjectEventLogStorage, opened: list[str]
) -> None:
    run_id = make_new_run_id()
    for number in range(20):
        storage.store_event(said(run_id, str(number)))
    assert texts(storage, run_id) == [str(number) for number in range(20)]
    assert opened == [run_id]


def test_only_the_first_database_of_a_folder_is_made_from_the_history_of_its_schema(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    original = ProjectEventLogStorage._initdb

    def counted(self: ProjectEventLogStorage, engine: Engine, **how: bool) -> None:
        made.append(Path(str(engine.url.database)).stem)
        original(self, engine, **how)

    monkeypatch.setattr(ProjectEventLogStorage, "_initdb", counted)
    runs = [make_new_run_id() for _ in range(3)]
    for _ in range(2):  # the second time as another process would
        storage = ProjectEventLogStorage(str(tmp_path))
        for run_id in runs:
            storage.store_event(said(run_id, "an event"))
        storage.dispose()
    assert made == ["index", "made"]
    theirs = SqliteEventLogStorage(str(tmp_path))
    assert sorted(theirs.get_all_run_ids()) == sorted(runs)
    assert all(texts(theirs, run_id) == ["an event"] * 2 for run_id in runs)
    versions = {theirs.alembic_version()}
    for run_id in runs:
        with theirs.run_connection(run_id) as connection:
            versions.add(
                check_alembic_revision(get_alembic_config(sqlite_event_log.__file__), connection)
            )
    assert len(versions) == 1


def test_a_database_that_was_begun_and_not_finished_is_made_whole(tmp_path: Path) -> None:
    ProjectEventLogStorage(str(tmp_path)).dispose()
    run_id = make_new_run_id()
    (tmp_path / f"{run_id}.db").touch()  # killed as soon as sqlite had made the file
    storage = ProjectEventLogStorage(str(tmp_path))
    storage.store_event(said(run_id, "an event"))
    assert texts(storage, run_id) == ["an event"]
    storage.dispose()


def test_a_file_system_without_hard_links_does_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(source: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refused)
    storage = ProjectEventLogStorage(str(tmp_path))
    run_id = make_new_run_id()
    storage.store_event(said(run_id, "begun"))
    assert texts(storage, run_id) == ["begun"]
    storage.dispose()


def test_few_databases_are_open_at_once(storage: ProjectEventLogStorage, opened: list[str]) -> None:
    runs = [make_new_run_id() for _ in range(MOST_OPEN + 1)]
    for run_id in (*runs, runs[-1], runs[0]):
        storage.store_event(said(run_id, "an event"))
    assert opened == [*runs, runs[0]]
    assert all(texts(storage, run_id) for run_id in runs)


def test_another_process_sees_what_is_written_and_adds_to_it(
    storage: ProjectEventLogStorage, tmp_path: Path
) -> None:
    run_id = make_new_run_id()
    storage.store_event(said(run_id, "first"))
    theirs = SqliteEventLogStorage(str(tmp_path))  # which closes what it opens
    assert texts(theirs, run_id) == ["first"]
    theirs.store_event(said(run_id, "second"))
    storage.store_event(said(run_id, "third"))
    assert texts(storage, run_id) == texts(theirs, run_id) == ["first", "second", "third"]


def test_a_database_that_was_deleted_is_made_anew(
    storage: ProjectEventLogStorage, tmp_path: Path
) -> None:
    run_id = make_new_run_id()
    storage.store_event(said(run_id, "gone"))
    for path in tmp_path.glob(f"{run_id}*"):
        path.unlink()
    storage.store_event(said(run_id, "kept"))
    assert texts(storage, run_id) == ["kept"]
    assert texts(SqliteEventLogStorage(str(tmp_path)), run_id) == ["kept"]


@pytest.mark.parametrize("ending", ["RUN_SUCCESS", "RUN_FAILURE", "RUN_CANCELED"])
def test_the_end_of_a_run_waits_for_the_disk_and_nothing_before_it_does(
    ending: str,
    storage: ProjectEventLogStorage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[str] = []
    monkeypatch.setattr(event_log, "synced", lambda path: waited.append(path.name))
    run_id = make_new_run_id()
    storage.store_event(said(run_id, "on its way"))
    assert waited == []
    storage.store_event(said(run_id, "over", dg.DagsterEventType[ending].value))
    assert waited == [f"{run_id}.db-wal", "index.db-wal", tmp_path.name]


def test_a_watcher_is_told_while_the_database_stays_open(
    storage: ProjectEventLogStorage, tmp_path: Path
) -> None:
    run_id, told, heard = make_new_run_id(), threading.Event(), []
    storage.store_event(said(run_id, "before"))
    watching = ProjectEventLogStorage(str(tmp_path))
    cursor = watching.get_records_for_run(run_id).cursor

    def hear(entry: dg.EventLogEntry, _: str) -> None:
        heard.append(entry.user_message)
        told.set()

    watching.watch(run_id, cursor, hear)
    storage.store_event(said(run_id, "now"))
    assert told.wait(30)
    watching.end_watch(run_id, hear)
    watching.dispose()
    assert heard == ["now"]


def test_what_a_killed_process_leaves_holds_all_its_events(
    storage: ProjectEventLogStorage, tmp_path: Path
) -> None:
    run_id = make_new_run_id()
    for number in range(3):
        storage.store_event(said(run_id, str(number)))
    left = tmp_path / "left"  # the files as they are while the databases are open
    left.mkdir()
    for path in tmp_path.glob("*.db*"):
        shutil.copy(path, left)
    found = ProjectEventLogStorage(str(left))
    assert texts(found, run_id) == ["0", "1", "2"]
    found.dispose()


def test_what_is_left_open_is_closed_with_the_process(tmp_path: Path) -> None:
    storage = ProjectEventLogStorage(str(tmp_path))
    storage.store_event(said(make_new_run_id(), "an event"))
    assert list(tmp_path.glob("*-wal"))
    storage._closed()  # what the interpreter calls at its end
    assert list(tmp_path.glob("*-wal")) == []
