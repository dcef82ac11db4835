"""Yesterday's date, every night."""

from datetime import UTC, date, timedelta

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from rugs_assets.orchestration.automation import Policy
from rugs_assets.orchestration.history import work_of
from rugs_assets.orchestration.outlook import Outlook, Seen
from rugs_assets.orchestration.resources import CapturesResource, LakeResource

SCHEDULE_NAME = "training_data_daily"


def daily_schedule(
    job: UnresolvedAssetJobDefinition, dates: dg.PartitionsDefinition[str], policy: Policy
) -> dg.ScheduleDefinition:
    """Yesterday's date, an hour after it ended (UTC), so that its last game has ended too.

    Off until it is switched on in the UI. It launches nothing while somebody is at work on the
    date, nor when the sensor has made it from the very captures that lie there now. Unlike the
    sensor it does not wait for a recorder that never rests: it takes what there is.
    """

    @dg.schedule(
        name=SCHEDULE_NAME,
        job=job,
        cron_schedule="0 1 * * *",
        execution_timezone="UTC",
        description="Materializes yesterday's date (UTC).",
    )
    def yesterday(
        context: dg.ScheduleEvaluationContext, captures: CapturesResource, lake: LakeResource
    ) -> dg.RunRequest | dg.SkipReason:
        now = context.scheduled_execution_time.astimezone(UTC)
        day = (now - timedelta(days=1)).date()
        first = min(dates.get_partition_keys(current_time=now), default="")
        if not first or day.isoformat() < first:
            return dg.SkipReason(f"{day} is before the first date")
        assert context.repository_def is not None
        busy = work_of(context.instance, context.repository_def.asset_graph).busy
        if day in busy:
            return dg.SkipReason(f"{day}: {busy[day]}")
        outlook = Outlook(captures, lake, dates, policy)
        seen = outlook.seen()
        if isinstance(seen, dg.SkipReason):
            return seen
        if _is_made(outlook, seen, day):
            return dg.SkipReason(f"{day} is up to date")
        return dg.RunRequest(run_key=day.isoformat(), partition_key=day.isoformat())

    return yesterday


def _is_made(outlook: Outlook, seen: Seen, day: date) -> bool:
    """Whether the date is stored as the captures of this moment and today's code would make it."""
    ledger = seen.current
    if ledger is None or seen.listing.growing:
        return False
    source = ledger.of(day)
    if source is None or source.blocked:
        return False
    return not any(verdict.is_due for verdict in outlook.verdicts(ledger, [day]))
