"""What Dagster knows of runs: which dates somebody is at work on, and what was tried before."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import takewhile

import dagster as dg
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)

WANTS_TAG = "rugs_assets/wants"
"""On every run that automation launches: the outcome that it is for (`due.Verdict.wants`)."""
UNFINISHED = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.MANAGED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)
_AT_WORK = (BulkActionStatus.REQUESTED, BulkActionStatus.CANCELING, BulkActionStatus.FAILING)
_LOOK_BACK = 20
"""Runs of a date that are looked at; more tries than this are never allowed."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is queued or running now.

    Attributes:
        busy: date -> who is at work on it.
        automatic: how many unfinished runs automation launched, of whatever job.
    """

    busy: Mapping[date, str]
    automatic: int


@dataclass(frozen=True, slots=True)
class Past:
    """What was tried before for an outcome.

    Attributes:
        ended: when the newest runs ended, as far back as they were for this very outcome.
        newest: id of the newest run for the same date, whatever it was for, "" if there is none.
    """

    ended: tuple[float, ...]
    newest: str


def work_of(instance: dg.DagsterInstance, graph: AssetGraph) -> Work:
    """What is queued or running: runs by anybody, and backfills whose runs are still to come."""
    busy: dict[date, str] = {}
    for backfill in (b for status in _AT_WORK for b in instance.get_backfills(status=status)):
        for key in _dates_of(backfill, graph):
            busy[date.fromisoformat(key)] = f"backfill {backfill.backfill_id} is at work on it"
    automatic = 0
    for run in instance.get_runs(filters=dg.RunsFilter(statuses=list(UNFINISHED))):
        automatic += WANTS_TAG in run.tags
        for day in _days_of(run.tags):
            busy[day] = f"run {run.run_id[:8]} is {run.status.value.lower()}"
    return Work(busy, automatic)


def past_of(instance: dg.DagsterInstance, wants: str, tags: Mapping[str, str]) -> Past:
    """What was tried for `wants` among the runs with these tags.

    A run for another outcome, or one launched by hand, ends the series: whatever it did, the next
    one starts from something else.
    """
    records = instance.get_run_records(dg.RunsFilter(tags=dict(tags)), limit=_LOOK_BACK)
    newest = records[0].dagster_run.run_id if records else ""
    tried = takewhile(lambda record: record.dagster_run.tags.get(WANTS_TAG) == wants, records)
    ended = (record.end_time or record.update_timestamp.timestamp() for record in tried)
    return Past(tuple(ended), newest)


def past_of_date(instance: dg.DagsterInstance, day: date, wants: str) -> Past:
    """What was tried for a date."""
    return past_of(instance, wants, {PARTITION_NAME_TAG: day.isoformat()})


def failed_dates(instance: dg.DagsterInstance, job: str, *, limit: int = 500) -> set[date]:
    """Dates whose newest run of a job failed, among its last failures."""
    failures = dg.RunsFilter(job_name=job, statuses=[dg.DagsterRunStatus.FAILURE])
    found = {day for run in instance.get_runs(failures, limit=limit) for day in _days_of(run.tags)}
    return {day for day in found if _newest_failed(instance, day)}


def _newest_failed(instance: dg.DagsterInstance, day: date) -> bool:
    newest = instance.get_runs(dg.RunsFilter(tags={PARTITION_NAME_TAG: day.isoformat()}), limit=1)
    return bool(newest) and newest[0].status is dg.DagsterRunStatus.FAILURE


def _days_of(tags: Mapping[str, str]) -> Iterator[date]:
    """The date, or the range of dates, that a run is for."""
    if PARTITION_NAME_TAG in tags:
        yield date.fromisoformat(tags[PARTITION_NAME_TAG])
    elif ASSET_PARTITION_RANGE_START_TAG in tags:
        day = date.fromisoformat(tags[ASSET_PARTITION_RANGE_START_TAG])
        while day <= date.fromisoformat(tags[ASSET_PARTITION_RANGE_END_TAG]):
            yield day
            day += timedelta(days=1)


def _dates_of(backfill: PartitionBackfill, graph: AssetGraph) -> list[str]:
    """All dates that a backfill is for, those that are done among them."""
    if not backfill.is_asset_backfill:
        return list(backfill.partition_names or [])
    try:
        data = backfill.get_asset_backfill_data(graph)
        subset = data.get_target_root_partitions_subset(graph)
        return list(subset.get_partition_keys()) if subset is not None else []
    except dg.DagsterError:  # of a graph that is no more: Dagster fails such a backfill itself
        return []
