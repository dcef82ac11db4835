"""When the graph runs: one job over everything, and a schedule for yesterday's date."""

import dagster as dg
from dagster._core.definitions.partitions.partitioned_schedule import (
    UnresolvedPartitionedAssetScheduleDefinition,
)
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


def daily_schedule(
    job: UnresolvedAssetJobDefinition,
) -> dg.ScheduleDefinition | UnresolvedPartitionedAssetScheduleDefinition:
    """Yesterday's date, an hour after it ended (UTC), so that the last game has ended too.

    Off until it is switched on in the UI.
    """
    return dg.build_schedule_from_partitioned_job(
        job,
        name=SCHEDULE_NAME,
        hour_of_day=1,
        minute_of_hour=0,
        description="Materializes yesterday's date (UTC).",
    )
