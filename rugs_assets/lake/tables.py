"""`Lake`: the one door to the tables. One Delta table an asset, one commit a date.

In: batches of a date in a declared schema. Out: the same rows in the same order, at any version.
Invariants: a commit replaces exactly one date; readers see a version whole or not at all; the same
rows and provenance are stored once; several processes may write at once and lose nothing.

Belongs here: the verbs. Goes elsewhere: how each is done (`parquet_files`, `delta_log`, `storage`,
`rows`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa

from rugs_assets.lake import delta_log, maintenance
from rugs_assets.lake.admission import admitted
from rugs_assets.lake.dated_rows import DatedRows
from rugs_assets.lake.errors import LakeError, WriteFailed, cure_of
from rugs_assets.lake.maintenance import Vacuumed
from rugs_assets.lake.memory import MANY_ROWS, Ebb
from rugs_assets.lake.parquet_files import DateFiles
from rugs_assets.lake.publishing import publish
from rugs_assets.lake.rows import Rows, check_schema
from rugs_assets.lake.specs import (
    DATE_COLUMN,
    Commit,
    LogEntry,
    Provenance,
    StoredDate,
    TableSpec,
)
from rugs_assets.lake.storage import Store, open_store
from rugs_assets.lake.stored_dates import stored_dates

__all__ = [
    "DATE_COLUMN",
    "Commit",
    "Lake",
    "LakeError",
    "LogEntry",
    "Provenance",
    "Rows",
    "StoredDate",
    "TableSpec",
    "Vacuumed",
]


class Lake:
    """The tables below one folder or URL.

    Args:
        root: a folder (created when first written) or a URL such as s3://bucket/prefix, whose
            credentials and endpoint the libraries read from the usual variables themselves.

    Raises:
        StoreInvalid: the place cannot be used.
    """

    def __init__(self, root: str | Path) -> None:
        self._store = open_store(root)

    @property
    def root(self) -> str:
        """The folder or URL, absolute."""
        return self._store.root

    @property
    def store(self) -> Store:
        """The place itself, for what else is built on it in this layer."""
        return self._store

    def uri(self, spec: TableSpec) -> str:
        """Where a table lies, as any Delta reader takes it."""
        return self._store.uri(spec.name)

    def ensure(self, *specs: TableSpec) -> None:
        """Create the tables that are not there yet; safe from several processes at once.

        Raises:
            WriteFailed: the storage refused.
        """
        for spec in specs:
            try:
                delta_log.ensure(self._store, spec)
            except OSError as error:
                raise WriteFailed(
                    f"table {spec.name} cannot be created at {self.uri(spec)}: {error}; check "
                    "that the store's folder or bucket exists and may be written"
                ) from error

    def replace(
        self,
        spec: TableSpec,
        day: date,
        batches: Iterable[pa.RecordBatch],
        provenance: Provenance,
    ) -> Commit:
        """Make `batches` the rows of one date, in their order, in one atomic commit.

        Rows are streamed: memory is one batch and one row group. No rows empty the date, which
        stays listed as computed. When the same rows with the same provenance (but for the run id)
        are stored already, nothing is committed.

        Args:
            spec: the table, created when absent.
            day: the capture date.
            batches: columns named, ordered and typed as `spec.schema`. A trailing `capture_date`
                column is allowed when it holds nothing but `day`.
            provenance: where the rows come from.

        Returns:
            What is stored now.

        Raises:
            RowsRefused: rows of another schema or date, or nulls where there may be none.
            WriteFailed: the storage refused.
            CommitConflict: other writers won every attempt.
            Exception: whatever `batches` raises. In all cases the table is as it was.
        """
        if isinstance(day, datetime) or not isinstance(day, date):
            raise LakeError(f"table {spec.name}: a date is needed, not {day!r}")
        ebb = Ebb(writes=True)
        with ExitStack() as until_done:
            with self._writing(spec, day):
                self.ensure(spec)
                folder = until_done.enter_context(self._store.staging(spec.name, day.isoformat()))
                files = DateFiles(spec, provenance, folder)
            until_done.callback(files.abandon)
            for batch in batches:
                rows = admitted(spec, day, batch)
                with self._writing(spec, day):
                    files.write(rows)
                ebb.passed(rows.num_rows)
            with self._writing(spec, day):
                commit = publish(self._store, spec, day, files.finish(), provenance)
        if commit.rows >= MANY_ROWS:
            ebb.passed(MANY_ROWS)
        return commit

    def read(
        self,
        spec: TableSpec,
        days: date | Iterable[date] | None = None,
        *,
        version: int | datetime | None = None,
        columns: Sequence[str] | None = None,
    ) -> Rows:
        """Rows in order of date, file and row.

        Args:
            spec: the table as this code understands it.
            days: one date, several, or None for all. A date that is not stored has no rows.
            version: a table version, or a time (the latest version at that time); None: the latest.
            columns: which columns, in which order, `capture_date` among them if wanted. None: those
                of the table, and `capture_date` last unless a single date is asked for.

        Raises:
            SchemaMismatch: stored rows have another schema (version); names the cure.
            TableMissing, VersionMissing, FileDamaged: as they say.
        """
        wanted = {days} if isinstance(days, date) else None if days is None else set(days)
        files = delta_log.snapshot(self._store, spec, version).among(wanted)
        check_schema(self._store, spec, files)
        if columns is None:
            columns = spec.schema.names if isinstance(days, date) else spec.table_schema.names
        return Rows(self._store, spec, files, columns)

    def days(self, spec: TableSpec, *, version: int | datetime | None = None) -> list[date]:
        """The dates that were computed, oldest first, those without rows among them."""
        return list(self.row_counts(spec, version=version))

    def row_counts(
        self, spec: TableSpec, *, version: int | datetime | None = None
    ) -> dict[date, int]:
        """Rows of every computed date, oldest first, from the table log alone."""
        counts: dict[date, int] = {}
        for file in delta_log.snapshot(self._store, spec, version).files:
            counts[file.day] = counts.get(file.day, 0) + file.rows
        return counts

    def provenance(
        self, spec: TableSpec, day: date, *, version: int | datetime | None = None
    ) -> StoredDate | None:
        """What a date holds and where it came from, read from its files; None when never computed.

        Works across schema versions, so that a mismatch can be told before reading.
        """
        found = self.dated(spec, day, version=version)
        return None if found is None else found.stored

    def dated(
        self, spec: TableSpec, day: date, *, version: int | datetime | None = None
    ) -> DatedRows | None:
        """A date at a version, to be read several times; None when never computed.

        As `provenance` and `read`, but the log and the footers are looked at once for both.
        """
        then = delta_log.snapshot(self._store, spec, version)
        files = then.of(day)
        stored = stored_dates(self._store, spec, then.version, files).get(day)
        return None if stored is None else DatedRows(self._store, spec, files, stored)

    def version(self, spec: TableSpec) -> int:
        """The latest version."""
        return delta_log.snapshot(self._store, spec).version

    def versions(self, spec: TableSpec, limit: int | None = None) -> list[LogEntry]:
        """The log, newest first: version, when, run, date, rows, digest."""
        return delta_log.log_entries(self._store, spec, limit)

    def vacuum(
        self,
        spec: TableSpec,
        *,
        keep_versions: Iterable[int] = (),
        retention_hours: int = maintenance.RETENTION_HOURS,
        dry_run: bool = True,
        timeout: float = 60.0,
    ) -> Vacuumed:
        """Delete what no kept version needs; see `maintenance.vacuum`."""
        return maintenance.vacuum(
            self._store,
            spec,
            keep_versions=keep_versions,
            retention_hours=retention_hours,
            dry_run=dry_run,
            timeout=timeout,
        )

    @contextmanager
    def _writing(self, spec: TableSpec, day: date) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise WriteFailed(
                f"table {spec.name}, date {day}, store {self.root}: {error}; the last complete "
                "version is intact. Make room or restore access, then: "
                f"{cure_of(spec.made_by, day)}"
            ) from error
