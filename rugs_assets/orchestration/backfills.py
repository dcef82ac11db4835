"""The backfill schedule: what is missing, stale or failed, oldest first, a few at a time."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from rugs_assets.lake.due import Verdict, choose
from rugs_assets.orchestration.automation import JOB_NAME, Policy, request_for
from rugs_assets.orchestration.history import Past, failed_dates, past_of_date, work_of
from rugs_assets.orchestration.outlook import Outlook, as_failed
from rugs_assets.orchestration.resources import CapturesResource, LakeResource

SCHEDULE_NAME = "training_data_backfill"
_PRIORITY = -1
"""A backfill waits behind what has only just arrived and what a person asks for."""
_SHOWN = 5


def backfill_schedule(
    job: UnresolvedAssetJobDefinition, dates: dg.PartitionsDefinition[str], policy: Policy
) -> dg.ScheduleDefinition:
    """Looks every quarter of an hour at all dates; off until it is switched on in the UI.

    A date is launched again for the same captures and code only `policy.patience.tries` times, with
    longer and longer pauses; meanwhile and afterwards the others go on. What is launched is only
    what is to be made anew of a date, with the settings that its rows were made with.
    """

    @dg.schedule(
        name=SCHEDULE_NAME,
        job=job,
        cron_schedule=policy.backfill_cron,
        execution_timezone="UTC",
        description="Dates that are missing, stale or failed, oldest first, in bounded batches.",
    )
    def backfill(
        context: dg.ScheduleEvaluationContext, captures: CapturesResource, lake: LakeResource
    ) -> list[dg.RunRequest] | dg.SkipReason:
        outlook = Outlook(captures, lake, dates, policy)
        seen = outlook.seen()
        if isinstance(seen, dg.SkipReason):
            return seen
        ledger = seen.ledger
        if ledger is None:
            return dg.SkipReason(
                "the captures were never decoded as a whole, or with another key or other zones;"
                " switch on the sensor late_data or the schedule decode_captures_hourly"
            )
        assert context.repository_def is not None
        work = work_of(context.instance, context.repository_def.asset_graph)
        failed = failed_dates(context.instance, JOB_NAME)
        verdicts = [as_failed(v) if v.day in failed else v for v in outlook.verdicts(ledger)]
        pasts: dict[object, Past] = {}

        def pause(verdict: Verdict) -> str:
            past = pasts[verdict.day] = past_of_date(context.instance, verdict.day, verdict.wants)
            return policy.patience.pause(past.ended, outlook.now)

        choice = choose(verdicts, work.busy, pause, max(0, policy.at_once - work.automatic))
        for day, why in choice.waiting:
            context.log.info("%s is due and waits: %s", day, why)
        if not choice.launch:
            return dg.SkipReason(_why_none(choice.waiting))
        return [request_for(v, pasts[v.day], priority=_PRIORITY) for v in choice.launch]

    return backfill


def _why_none(waiting: tuple[tuple[object, str], ...]) -> str:
    if not waiting:
        return "every date is up to date"
    shown = "; ".join(f"{day}: {why}" for day, why in waiting[:_SHOWN])
    return f"{len(waiting)} dates are due and wait: {shown}"
