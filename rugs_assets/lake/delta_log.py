"""The table log: which files are a table at a version.

Reading a log costs the more the longer a table is, and a date asks for it fifty times; so the
latest version that was seen is remembered with the store, and read anew when somebody has
committed since, which one look at two file names tells.

Belongs here: everything that reads a log by deltalake. Goes elsewhere: the commit (`commits`), the
bytes of files, the wording of records.

What was learnt about deltalake 1.6 and must stay true here:
- `DeltaTable.to_pyarrow_dataset` can abort the interpreter at exit: it is never called.
- `DeltaTable.history` returns nothing at a version with a checkpoint: the log is read as what it
  is, JSON lines.
- `DeltaTable.file_uris` percent-encodes local paths: paths are taken from the add actions and
  joined here.
"""

from __future__ import annotations

import random
import time
from bisect import bisect_left, bisect_right
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from rugs_assets.lake.errors import (
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

ATTEMPTS = 200
"""How often another writer may be faster before it counts as an error."""
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


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A table at a version.

    Attributes:
        version: which.
        files: every file that it refers to, in row order: by date, then by part number.
    """

    version: int
    files: tuple[LoggedFile, ...]

    def of(self, day: date) -> tuple[LoggedFile, ...]:
        """The files of a date; none where it was never computed."""
        first = bisect_left(self.files, day, key=_day_of)
        return self.files[first : bisect_right(self.files, day, lo=first, key=_day_of)]

    def among(self, days: Collection[date] | None) -> tuple[LoggedFile, ...]:
        """The files of some dates, in row order; of all where `days` is None."""
        if days is None:
            return self.files
        return tuple(file for day in sorted(days) for file in self.of(day))

    def replaced(self, day: date, files: Collection[LoggedFile]) -> Snapshot:
        """The next version, in which a date is made of other files."""
        first = bisect_left(self.files, day, key=_day_of)
        last = bisect_right(self.files, day, lo=first, key=_day_of)
        made_of = (*self.files[:first], *sorted(files), *self.files[last:])
        return Snapshot(self.version + 1, made_of)


@dataclass(frozen=True, slots=True)
class Seen:
    """The latest version of a table when it was last looked at.

    Attributes:
        snapshot: what it was.
        commit: size and time of the file of its commit; another one is another table's.
    """

    snapshot: Snapshot
    commit: tuple[int, int]


def ensure(store: Store, spec: TableSpec) -> None:
    """Create the table unless it is there; safe from several processes at once."""
    uri = store.uri(spec.name)
    # The log is never shortened, so one look tells; is_deltatable would list all of it.
    if store.size(spec.name, f"_delta_log/{0:020d}.json") is not None:
        return
    with store.creating(spec.name):
        for attempt in range(ATTEMPTS):
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
                back_off(attempt)
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
                f"{cure_of(spec.made_by, None)}"
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


def snapshot(store: Store, spec: TableSpec, version: int | datetime | None = None) -> Snapshot:
    """The files of a table at a version, from memory where they were seen before.

    Raises:
        TableMissing, VersionMissing, StoreInvalid: as `load`, and as they say.
    """
    seen = store.seen.get(spec.name)
    if seen is not None and (version is None or version == seen.snapshot.version):
        commit, is_latest = _commit_of(store, spec, seen.snapshot.version)
        if commit == seen.commit and (is_latest or version is not None):
            return seen.snapshot
    table = load(store, spec, version)
    found = opened(store, spec, table)
    if version is None:
        remember(store, spec, found)
    return found


def opened(store: Store, spec: TableSpec, table: DeltaTable) -> Snapshot:
    """The files of a table that was loaded, from memory where this version was seen before."""
    seen, version = store.seen.get(spec.name), table.version()
    if seen is not None and version == seen.snapshot.version:
        commit, _ = _commit_of(store, spec, version)
        if commit == seen.commit:
            return seen.snapshot
    return Snapshot(version, tuple(files_of(table)))


def remember(store: Store, spec: TableSpec, latest: Snapshot) -> None:
    """Have a snapshot at hand until somebody commits."""
    commit, is_latest = _commit_of(store, spec, latest.version)
    if commit is None or not is_latest:
        store.seen.pop(spec.name, None)
    else:
        store.seen[spec.name] = Seen(latest, commit)


def _commit_of(store: Store, spec: TableSpec, version: int) -> tuple[tuple[int, int] | None, bool]:
    """Size and time of the file of a commit, None without it; and whether none comes after it.

    The log is never shortened and its versions have no gaps, so that the next one tells of all.
    """
    names = (f"_delta_log/{number:020d}.json" for number in (version, version + 1))
    this, following = store.stamps(spec.name, *names)
    return this, following is None


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
    # Plain tuples are sorted three times as fast, and every commit reads the files of all dates.
    rows = sorted(zip(*(column.to_pylist() for column in wanted.columns), strict=True))
    files = [LoggedFile(*row) for row in rows]
    try:
        for file in files:
            inner_path(file.path)
    except ValueError as error:
        raise StoreInvalid(
            f"the log of {table.table_uri}, version {table.version()}, is not ours: {error}; put "
            "the table back from a backup, or delete its folder and compute its dates again"
        ) from error
    return files


def log_entries(store: Store, spec: TableSpec, limit: int | None = None) -> list[LogEntry]:
    """The versions of a table, newest first."""
    load(store, spec)
    newest = sorted(commit_names(store, spec), reverse=True)[:limit]
    return [
        entry_of(int(name[:20]), store.read_bytes(spec.name, f"_delta_log/{name}"))
        for name in newest
    ]


def _day_of(file: LoggedFile) -> date:
    return file.day


def back_off(attempt: int) -> None:
    """Wait a little before another try, longer and longer, and not as long as the rival does."""
    time.sleep(random.uniform(0, 0.005 * min(attempt + 1, 40)))
