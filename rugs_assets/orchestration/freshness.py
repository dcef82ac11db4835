"""Is the newest date here? A check that looks for yesterday itself, in the store.

The freshness policy of the assets (`stages.FRESHNESS`) is about time alone: any date that is
written satisfies it, also a late one.
"""

from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from rugs_assets.lake.catalog import TRAINING_SHARDS
from rugs_assets.orchestration.automation import NEWEST_DATE, Policy
from rugs_assets.orchestration.resources import LakeResource

JOB_NAME = "check_newest_date"
SCHEDULE_NAME = "check_newest_date_daily"
_DEADLINE = timedelta(hours=3)
"""After midnight (UTC) by which yesterday must be stored; the daily schedule starts at 1:00."""


def newest_date_check(
    dates: dg.PartitionsDefinition[str], policy: Policy
) -> dg.AssetChecksDefinition:
    """Yesterday is stored and has steps, by 03:00 UTC."""

    @dg.asset_check(
        asset=TRAINING_SHARDS.name,
        name=NEWEST_DATE.name,
        description="The newest date whose deadline (03:00 UTC the day after) has passed is stored"
        " and holds steps.",
    )
    def newest_date_is_stored(lake: LakeResource) -> dg.AssetCheckResult:
        now = datetime.fromtimestamp(policy.clock(), UTC)
        expected = max(dates.get_partition_keys(current_time=now - _DEADLINE), default="")
        counts = lake.open().row_counts(TRAINING_SHARDS)
        newest = max((day for day, rows in counts.items() if rows), default=None)
        is_here = not expected or (newest is not None and newest.isoformat() >= expected)
        return dg.AssetCheckResult(
            passed=is_here,
            severity=dg.AssetCheckSeverity.WARN,
            description=None if is_here else f"{expected} holds no step; the newest is {newest}",
            metadata={
                "expected": expected or "no date is over yet",
                "newest_with_steps": str(newest),
                **({} if is_here else {"cure": _cure(expected)}),
            },
        )

    return newest_date_is_stored


def newest_date_job() -> UnresolvedAssetJobDefinition:
    """The check alone."""
    return dg.define_asset_job(
        JOB_NAME,
        selection=dg.AssetSelection.checks(NEWEST_DATE),
        description="Is the newest date stored?",
    )


def newest_date_schedule(job: UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    """When the deadline has passed; off until it is switched on in the UI."""
    return dg.ScheduleDefinition(
        name=SCHEDULE_NAME,
        job=job,
        cron_schedule="10 3 * * *",
        execution_timezone="UTC",
        description="Checks that yesterday's date is stored.",
    )


def _cure(expected: str) -> str:
    command = f"dagster asset materialize --select '*' --partition {expected}"
    return (
        "is the recorder running, does RUGS_CAPTURES hold its files, are the schedules on? If the"
        f" date's runs failed, they say why; for all of the date: {command}"
    )
