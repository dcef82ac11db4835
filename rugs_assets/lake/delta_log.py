"""The table log: which files are a table at a version, and the one commit that replaces a date.

Belongs here: everything that talks to deltalake. Goes elsewhere: the bytes of files, the wording of
records.

What was learnt about deltalake 1.6 and must stay true here:
- `write_deltalake` scrambles row order on two or more CPUs: files are written elsewhere, only added
  here.
- `DeltaTable.to_pyarrow_dataset` can abort the interpreter at exit: it is never called.
- `DeltaTable.history` returns nothing at a version with a checkpoint: the log is read as what it
  is, JSON lines.
- `DeltaTable.file_uris` percent-encodes local paths: paths are taken from the add actions and
  joined here.
- A transaction that adds a path it also removes loses the file for some readers: never commit a
  path that is already there.
"""

from __future__ import annotations

import json
import random
import time
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.transaction import AddAction

from rugs_assets.lake.errors import (
    CommitConflict,
    StoreInvalid,
    TableMissing,
    VersionMissing,
    WriteFailed,
    cure_of,
    in_a_line,
)
from rugs_assets.lake.log_text import commit_names, entry_of
from rugs_assets.lake.paths import inner_path
from rugs_assets.lake.specs import DATE_COLUMN, LogEntry, TableSpec
from rugs_assets.lake.storage import Store

_ATTEMPTS = 200
_CONFIGURATION: dict[str, str | None] = {
    # What opening a table costs is bounded by the commits since the last checkpoint, not by its
    # age.
    "delta.checkpointInterval": "10",
    # A release cites versions for years: the log is never shortened.
    "delta.enableExpiredLogCleanup": "false",
    "delta.logRetentionDuration": "interval 36500 days",
}


@dataclass(frozen=True, slots=True, order=True)
class LoggedFile:
    """A file that a version refers to; sorts in row order."""

    day: date
    path: str  # below the table's folder
    rows: int
    bytes: int


def ensure(store: Store, spec: TableSpec) -> None:
    """Create the table unless it is there; safe from several processes at once."""
    uri = store.uri(spec.name)
    # The log is never shortened, so one look tells; is_deltatable would list all of it.
    if store.size(spec.name, f"_delta_log/{0:020d}.json") is not None:
        return
    with store.creating(spec.name):
        for attempt in range(_ATTEMPTS):
            try:
                DeltaTable.create(
                    uri,
                    spec.table_schema,
                    mode="ignore",
                    partition_by=[DATE_COLUMN],
                    name=spec.name,
                    configuration=_CONFIGURATION,
                )
            except DeltaError as error:
                # Without a lock (object stores) two creators meet: the loser finds the winner's
                # table.
                if DeltaTable.is_deltatable(uri):
                    return
                if attempt >= 3:
                    raise WriteFailed(
                        f"table {spec.name} cannot be created at {uri}: {in_a_line(error)}; make "
                        "room or restore access, then try again"
                    ) from error
                _back_off(attempt)
            else:
                return


def load(store: Store, spec: TableSpec, version: int | datetime | None = None) -> DeltaTable:
    """The table at a version (None: the latest; a datetime: the latest at that time).

    Raises:
        TableMissing: there is no table.
        VersionMissing: there is no such version, or the time has no zone.
    """
    uri = store.uri(spec.name)
    try:
        if isinstance(version, datetime):
            DeltaTable(uri)  # which says so when there is none
            version = _version_at(store, spec, version)
        return DeltaTable(uri, version=version)
    except (DeltaError, OSError) as error:
        if isinstance(error, TableNotFoundError) or not DeltaTable.is_deltatable(uri):
            raise TableMissing(
                f"table {spec.name} does not exist at {uri}; compute a date of it first: "
                f"{cure_of(spec.name, None)}"
            ) from error
        if version is None:
            newest = max(commit_names(store, spec), default="*.json")
            raise StoreInvalid(
                f"table {spec.name} at {uri} cannot be opened: {in_a_line(error)}. If the machine "
                f"lost power while a date was committed: delete _delta_log/{newest}, the version "
                "before it is whole; otherwise restore access or put the table back from a backup"
            ) from error
        raise VersionMissing(
            f"table {spec.name} at {uri} has no version {version}; its latest is "
            f"{DeltaTable(uri).version()}"
        ) from error


def _version_at(store: Store, spec: TableSpec, at: datetime) -> int:
    """The latest version at a time, by what the commits say.

    deltalake goes by when their files were changed: later than the commit says, the more so the
    busier the machine, and to the second on an object store.
    """
    if at.tzinfo is None:
        raise VersionMissing(
            f"table {spec.name}: the time {at} has no zone; say which, as in "
            f"{at.replace(tzinfo=UTC).isoformat()}"
        )
    names = sorted(commit_names(store, spec))

    def made(name: str) -> datetime:
        return entry_of(0, store.read_bytes(spec.name, f"_delta_log/{name}")).at

    later = bisect_right(names, at, key=made)
    if later == 0:
        raise VersionMissing(
            f"table {spec.name} at {store.uri(spec.name)} was not there at {at}; it was created at "
            f"{made(names[0])}"
        )
    return int(names[later - 1][:20])


def files_of(table: DeltaTable) -> list[LoggedFile]:
    """Every file of a loaded version, in row order: by date, then by part number.

    Raises:
        StoreInvalid: the log refers to what lies outside of the table.
    """
    # from_stream, since pa.table() would import pandas only to ask whether this is a data frame.
    adds = pa.RecordBatchReader.from_stream(table.get_add_actions()).read_all()
    if not adds.num_rows:
        return []
    wanted = adds.select(["partition", "path", "num_records", "size_bytes"]).flatten()
    rows = zip(*(column.to_pylist() for column in wanted.columns), strict=True)
    files = sorted(LoggedFile(*row) for row in rows)
    try:
        for file in files:
            inner_path(file.path)
    except ValueError as error:
        raise StoreInvalid(
            f"the log of {table.table_uri}, version {table.version()}, is not ours: {error}; put "
            "the table back from a backup, or delete its folder and compute its dates again"
        ) from error
    return files


def commit_date(
    store: Store,
    spec: TableSpec,
    day: date,
    files: Sequence[LoggedFile],
    metadata: Mapping[str, Any],
) -> tuple[int, bool]:
    """Make `files`, which are in place, the whole of a date.

    Returns:
        The version that holds them, and whether they were there already and nothing was committed.

    Raises:
        CommitConflict: other writers won every attempt.
        WriteFailed: the storage refused.
    """
    version, unchanged = _attempted(
        store, spec, day, lambda: _commit_once(load(store, spec), spec, day, files, metadata)
    )
    if not unchanged:  # deltalake itself leaves it to the system when a commit reaches the disk
        store.make_durable(spec.name, f"_delta_log/{version:020d}.json")
    return version, unchanged


def log_entries(store: Store, spec: TableSpec, limit: int | None = None) -> list[LogEntry]:
    """The versions of a table, newest first."""
    load(store, spec)
    newest = sorted(commit_names(store, spec), reverse=True)[:limit]
    return [
        entry_of(int(name[:20]), store.read_bytes(spec.name, f"_delta_log/{name}"))
        for name in newest
    ]


def _commit_once(
    table: DeltaTable,
    spec: TableSpec,
    day: date,
    files: Sequence[LoggedFile],
    metadata: Mapping[str, Any],
) -> tuple[int, bool]:
    # Looked at in every attempt: the rival that won may have written these very files.
    if [f for f in files_of(table) if f.day == day] == sorted(files):
        return table.version(), True
    now = time.time_ns() // 1_000_000
    before = table.version()
    table.create_write_transaction(
        [
            AddAction(
                path=file.path,
                size=file.bytes,
                partition_values={DATE_COLUMN: day.isoformat()},
                modification_time=now,
                data_change=True,
                stats=json.dumps({"numRecords": file.rows}),
            )
            for file in files
        ],
        "overwrite",
        spec.table_schema,
        partition_by=[DATE_COLUMN],
        partition_filters=[(DATE_COLUMN, "=", day.isoformat())],
        commit_properties=CommitProperties(custom_metadata=dict(metadata), max_commit_retries=0),
        post_commithook_properties=PostCommitHookProperties(cleanup_expired_logs=False),
    )
    # No rebase was allowed, so the commit is the version after the one it was made from.
    return before + 1, False


def _attempted(
    store: Store, spec: TableSpec, day: date, attempt_once: Callable[[], tuple[int, bool]]
) -> tuple[int, bool]:
    for attempt in range(_ATTEMPTS):
        try:
            return attempt_once()
        except CommitFailedError:
            _back_off(attempt)
        except (DeltaError, OSError) as error:
            raise WriteFailed(
                f"table {spec.name}, date {day}, store {store.root}: the commit was refused, the "
                f"last complete version is intact: {in_a_line(error)}. Make room or restore "
                f"access, then: {cure_of(spec.name, day)}"
            ) from error
    raise CommitConflict(
        f"table {spec.name}, date {day}: other writers won {_ATTEMPTS} attempts to commit; run it "
        f"again: {cure_of(spec.name, day)}"
    )


def _back_off(attempt: int) -> None:
    time.sleep(random.uniform(0, 0.005 * min(attempt + 1, 40)))
