"""Dagster's event log in sqlite, whose databases stay open while they are written.

Dagster's own opens a database for every event and closes it again, and sqlite takes a close for the
moment to move its journal into the database and to wait for the disk, several times an event. A
date logs more than a hundred events: that was half of what its run cost. Here a database stays open
for the events that follow, and the disk is waited for once, when the run ends: a power cut may then
cost the last events of a run that it ended anyway, and never one that was said to be over. A killed
process loses nothing, since what it wrote is the system's.

Belongs here: connections and when they wait. What is stored, and where, is Dagster's.
"""

import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import dagster
from dagster import DagsterEventType, EventLogEntry
from dagster._core.storage.event_log.sqlite.sqlite_event_log import (
    INDEX_SHARD_NAME,
    SqliteEventLogStorage,
    SqliteEventLogStorageWatchdog,
)
from dagster._core.storage.sql import create_engine
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool
from watchdog.events import FileSystemEvent
from watchdog.observers import Observer

from rugs_assets.lake.paths import synced

MOST_OPEN = 8
"""Databases that a process keeps open: a run writes to two, the web UI looks at any."""
_LAST_WORDS = frozenset(
    {
        DagsterEventType.RUN_SUCCESS,
        DagsterEventType.RUN_FAILURE,
        DagsterEventType.RUN_CANCELED,
    }
)
_EMPTY = f".without-events-{dagster.__version__}"
"""A database without events, beside the others; no run is called so."""
_Kept = dict[str, tuple[tuple[int, int], Connection]]


class ProjectEventLogStorage(SqliteEventLogStorage):
    """Dagster's sqlite event log, with a database a run and one for what concerns all."""

    def __init__(self, base_dir: str) -> None:
        self._kept: _Kept = {}  # name of a database -> (which file it is, the way into it)
        self._closed = weakref.finalize(self, _close_all, self._kept)
        super().__init__(base_dir)

    def store_event(self, event: EventLogEntry) -> None:
        """Store an event; one that ends its run is on the disk afterwards, with all before it."""
        super().store_event(event)
        if event.is_dagster_event and event.dagster_event_type in _LAST_WORDS:
            for name in (event.run_id, INDEX_SHARD_NAME):
                journal = Path(f"{self.path_for_shard(name)}-wal")
                if journal.exists():  # else it is in the database, which sqlite waited for
                    synced(journal)
            synced(Path(self.path_for_shard(INDEX_SHARD_NAME)).parent)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            connection = self._opened(shard)
            with connection.begin():
                yield connection

    def _opened(self, name: str) -> Connection:
        place = self.path_for_shard(name)
        file, connection = self._kept.pop(name, (None, None))
        if connection is not None and _file_at(place) != file:  # deleted, or put back, meanwhile
            connection.close()
            connection = None
            self._initialized_dbs.discard(name)
        if connection is None:
            connection = self._open(name)
        self._kept[name] = (_file_at(place) or (0, 0), connection)  # the newest is the last
        while len(self._kept) > MOST_OPEN:
            _, oldest = self._kept.pop(next(iter(self._kept)))
            oldest.close()
        return connection

    def _open(self, name: str) -> Connection:
        engine = create_engine(
            self.conn_string_for_shard(name),
            poolclass=NullPool,
            # One thread at a time, but not always the same: the lock sees to that.
            connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
        )
        if name not in self._initialized_dbs:
            self._prepare(name, engine)
            self._initialized_dbs.add(name)
        connection = engine.connect()
        with connection.begin():
            connection.exec_driver_sql("PRAGMA synchronous=NORMAL")
        return connection

    def _prepare(self, name: str, engine: Engine) -> None:
        """Make the tables of a database, unless they are there.

        Dagster's own way reads the history of its schema each time, which takes longer than all
        events of a step: a database that has a version is left alone there as well, and a new one
        is a copy of one that was made before.
        """
        place = Path(self.path_for_shard(name))
        if not place.exists():
            _put(self._without_events(), place)
        if not _has_version(engine):  # killed, or at it still, is who made the file
            self._initdb(engine)

    def _without_events(self) -> Path:
        empty = Path(self._base_dir, _EMPTY)
        if not empty.exists():
            with tempfile.TemporaryDirectory(dir=empty.parent) as folder:
                made = Path(folder, "made")
                self._initdb(create_engine(f"sqlite:///{made}", poolclass=NullPool))
                _put(made, empty)
        return empty

    def watch(self, run_id: str, cursor: str | None, callback: Any) -> None:
        """Call back for every event to come of a run: the UI shows it while it runs."""
        observer: Any = self._obs
        if observer is None:
            observer = Observer()
            observer.start()
            self._obs = observer
        watchdog = _Watchdog(self, run_id, callback, cursor)
        watched = observer.schedule(watchdog, self._base_dir, recursive=True)
        self._watchers[run_id][callback] = (watchdog, watched)

    def dispose(self) -> None:
        """Close what is open."""
        super().dispose()
        with self._db_lock:
            _close_all(self._kept)


class _Watchdog(SqliteEventLogStorageWatchdog):
    """Sees events where they are written first: in the journal beside the database."""

    @property
    def patterns(self) -> list[str]:
        """The files whose changes tell of events."""
        return [self._log_path, f"{self._log_path}-wal"]

    def on_modified(self, event: FileSystemEvent) -> None:
        """Hand on what is new."""
        self._process_log()


def _has_version(engine: Engine) -> bool:
    with engine.connect() as connection:
        try:
            found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").first()
        except DatabaseError:  # no such table
            return False
    return found is not None


def _put(source: Path, target: Path) -> None:
    """Put a copy in place, whole or not at all.

    Not at all where somebody else was faster, or where the file system has no hard links (FAT, some
    network shares): Dagster's own way follows then, and says what is wrong, if anything is.
    """
    with suppress(OSError), tempfile.TemporaryDirectory(dir=target.parent) as folder:
        made = Path(folder, "copy")
        shutil.copyfile(source, made)
        os.link(made, target)


def _file_at(path: str) -> tuple[int, int] | None:
    """Which file lies there."""
    try:
        found = os.stat(path)  # noqa: PTH116 - once an event: a Path costs more than the call
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _close_all(kept: _Kept) -> None:
    while kept:
        _, (_, connection) = kept.popitem()
        connection.close()
