"""Old runs and their events, taken out of Dagster's databases.

Dagster keeps every run for ever. Deleting a run deletes what it reported, and with it the state of
the dates that it materialized last: they would be shown as missing. So the runs that hold the last
materialization or the last check of a date stay, however old; their number is bounded by the number
of dates. All others go when they are old enough.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

_FINISHED = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Purged:
    """Which runs were deleted, and how many old ones stay because a date's state is theirs."""

    deleted: frozenset[str]
    kept: int


def purge_runs(
    instance: dg.DagsterInstance,
    *,
    older_than: datetime,
    jobs: frozenset[str] | None = None,
    dry_run: bool = False,
) -> Purged:
    """Delete finished runs with their events, checks and logs.

    Args:
        instance: Dagster's databases.
        older_than: What was last changed before this goes.
        jobs: Of these jobs only; None: of all.
        dry_run: Only tell.
    """
    telling = _telling_runs(_events_of(instance))
    kept: set[str] = set()
    deleted: set[str] = set()
    for run_id in list(_old_runs(instance, older_than, jobs)):
        if run_id in telling:
            kept.add(run_id)
            continue
        if not dry_run:
            _delete(instance, run_id)
        deleted.add(run_id)
    return Purged(frozenset(deleted), len(kept))


def days_ago(days: float) -> datetime:
    """The moment that many days before now (UTC)."""
    return datetime.now(UTC) - timedelta(days=days)


def _old_runs(
    instance: dg.DagsterInstance, older_than: datetime, jobs: frozenset[str] | None
) -> Iterator[str]:
    wanted = dg.RunsFilter(statuses=_FINISHED, updated_before=older_than)
    cursor: str | None = None
    while True:
        runs = instance.get_runs(wanted, cursor=cursor, limit=_AT_ONCE)
        for run in runs:
            if jobs is None or run.job_name in jobs:
                yield run.run_id
        if len(runs) < _AT_ONCE:
            return
        cursor = runs[-1].run_id


def _events_of(instance: dg.DagsterInstance) -> SqlEventLogStorage:
    storage = instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage):
        raise dg.Failure(
            f"{type(storage).__name__}: only runs in sqlite or Postgres can be purged; `storage` in"
            " dagster.yaml says where they are kept",
            allow_retries=False,
        )
    return storage


def _telling_runs(storage: SqlEventLogStorage) -> set[str]:
    """The runs that made the last materialization or check of any date of any asset."""
    events, checks = SqlEventLogStorageTable.c, AssetCheckExecutionsTable.c
    made = dg.DagsterEventType.ASSET_MATERIALIZATION.value
    last_made = (
        sa.select(sa.func.max(events.id))
        .where(events.dagster_event_type == made)
        .group_by(events.asset_key, events.partition)
    )
    last_checked = sa.select(sa.func.max(checks.id)).group_by(
        checks.asset_key, checks.check_name, checks.partition
    )
    with storage.index_connection() as connection:
        rows = [
            *connection.execute(sa.select(events.run_id).where(events.id.in_(last_made))),
            *connection.execute(sa.select(checks.run_id).where(checks.id.in_(last_checked))),
        ]
    return {str(row[0]) for row in rows}


def _delete(instance: dg.DagsterInstance, run_id: str) -> None:
    storage = _events_of(instance)
    instance.compute_log_manager.delete_logs(prefix=[run_id])
    instance.delete_run(run_id)
    with storage.index_connection() as connection:  # Dagster leaves the results of checks
        gone = AssetCheckExecutionsTable.delete().where(
            AssetCheckExecutionsTable.c.run_id == run_id
        )
        connection.execute(gone)
    if isinstance(storage, SqliteEventLogStorage):  # and, in sqlite, the emptied database of a run
        shard = Path(storage.path_for_shard(run_id))
        for suffix in ("", "-wal", "-shm"):
            shard.with_name(shard.name + suffix).unlink(missing_ok=True)
