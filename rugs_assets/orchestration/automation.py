"""When the graph runs: one job over everything, and a schedule for yesterday's date."""

from datetime import UTC, timedelta

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

JOB_NAME = "training_data"
SCHEDULE_NAME = "training_data_daily"


def training_data_job() -> UnresolvedAssetJobDefinition:
    """All five assets and their checks for one date; what `dagster job backfill` is given."""
    return dg.define_asset_job(
        JOB_NAME,
        selection=dg.AssetSelection.all(),
        description="One date from capture files to training shards, with every check.",
    )


def daily_schedule(job: UnresolvedAssetJobDefinition, first: str) -> dg.ScheduleDefinition:
    """Yesterday's date, an hour after it ended (UTC), so that its last game has ended too.

    Off until it is switched on in the UI. The run key is the date: a tick that is evaluated twice
    launches one run.

    Args:
        job: What is launched.
        first: The first date of the partitions.
    """

    @dg.schedule(
        name=SCHEDULE_NAME,
        job=job,
        cron_schedule="0 1 * * *",
        execution_timezone="UTC",
        description="Materializes yesterday's date (UTC).",
    )
    def yesterday(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        now = context.scheduled_execution_time.astimezone(UTC)
        date = (now - timedelta(days=1)).date().isoformat()
        if date < first:
            return dg.SkipReason(f"{date} is before the first date, {first}")
        return dg.RunRequest(run_key=date, partition_key=date)

    return yesterday
