"""Decoding captures in a run of its own, which leaves the ledger that everybody else reads.

A sensor must answer within a minute and runs in the process that serves the graph: it may not
decode gigabytes. So the sensor only sees that files changed and asks for this job; when it is
done, the ledger says which dates they hold.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from rugs_assets.lake.ledger import save_ledger, take_stock
from rugs_assets.lake.listing import Listing
from rugs_assets.orchestration.automation import ALONE_TAG, ANEW, PRIORITY_TAG, Policy
from rugs_assets.orchestration.history import UNFINISHED, WANTS_TAG, past_of
from rugs_assets.orchestration.outlook import CapturesGone, Outlook
from rugs_assets.orchestration.resources import CapturesResource, LakeResource
from rugs_assets.orchestration.retries import retrying_transient_faults

JOB_NAME = "decode_captures"
SCHEDULE_NAME = "decode_captures_hourly"
_FIRST = "10"
"""Priority in the queue: nothing can be decided before it is done, and it is short."""


def decoding_job(
    dates: dg.PartitionsDefinition[str], policy: Policy, resources: Mapping[str, object]
) -> dg.JobDefinition:
    """Decodes what is new or changed in the capture folder and notes what dates it holds.

    It is bound to its resources here: when Dagster binds a job of a sensor, it rebuilds the sensor
    and warns about a parameter that nobody gave.
    """

    @dg.op(description="New and changed captures -> decoded captures, ledger.")
    @retrying_transient_faults
    def decode(
        context: dg.OpExecutionContext, captures: CapturesResource, lake: LakeResource
    ) -> None:
        try:
            listing = Outlook(captures, lake, dates, policy).listing()
        except CapturesGone as gone:
            raise dg.Failure(str(gone), allow_retries=False) from gone
        inventory = captures.look()
        ledger = take_stock(inventory, listing, captures.last_ledger())
        save_ledger(Path(captures.cache), ledger)
        for pattern in inventory.zones.unused(inventory.sources):
            context.log.warning("RUGS_ZONES: %r fits no session of the captures", pattern)
        for problem in ledger.unreadable:
            context.log.warning("Cannot be opened: %s", problem)
        context.add_output_metadata(
            {
                "captures": ledger.captures,
                "dates": len(ledger.days),
                "growing": len(listing.growing),
                "unreadable": dg.MetadataValue.json(list(ledger.unreadable)),
            }
        )

    @dg.job(
        name=JOB_NAME,
        description="Decodes new and changed captures and notes which dates they hold.",
        # Two at once would decode the same files: the queue runs one at a time (dagster.yaml).
        tags={**ANEW, ALONE_TAG: JOB_NAME, PRIORITY_TAG: _FIRST},
        resource_defs=dict(resources),
    )
    def decode_captures() -> None:
        decode()

    return decode_captures


def decoding_request(
    instance: dg.DagsterInstance, listing: Listing, outlook: Outlook
) -> dg.RunRequest | dg.SkipReason:
    """The run that brings the ledger up to date, or why it is not to be launched now."""
    unfinished = dg.RunsFilter(job_name=JOB_NAME, statuses=list(UNFINISHED))
    if instance.get_runs_count(unfinished):
        return dg.SkipReason("the captures are being decoded")
    newest = instance.get_run_records(dg.RunsFilter(job_name=JOB_NAME), limit=1)
    if newest and newest[0].end_time:
        again = newest[0].end_time + outlook.policy.look_seconds
        if newest[0].end_time <= outlook.now < again:
            at = datetime.fromtimestamp(again, UTC)
            return dg.SkipReason(f"captures changed; they are decoded again at {at:%H:%M:%S}")
    wants = f"{listing.fingerprint[:20]}-{outlook.serial()}"
    past = past_of(instance, wants, {ALONE_TAG: JOB_NAME})
    if why := outlook.policy.patience.pause(past.ended, outlook.now):
        return dg.SkipReason(f"decoding the captures: {why}; see the last runs of {JOB_NAME}")
    return dg.RunRequest(
        run_key=f"{JOB_NAME}-{wants}-{past.newest[:8] or 'first'}",
        job_name=JOB_NAME,
        tags={WANTS_TAG: wants},
    )


def hourly_decoding(
    job: dg.JobDefinition, dates: dg.PartitionsDefinition[str], policy: Policy
) -> dg.ScheduleDefinition:
    """Decodes captures once an hour, for whoever does not use the sensor; off by default.

    Unlike the sensor it also looks again at files that could not be opened: what keeps one from
    being read, such as its permissions, need not show in the folder.
    """

    @dg.schedule(
        name=SCHEDULE_NAME,
        job=job,
        cron_schedule="50 * * * *",
        execution_timezone="UTC",
        description="Decodes new and changed captures, if any; the sensor late_data is quicker.",
    )
    def hourly(
        context: dg.ScheduleEvaluationContext, captures: CapturesResource, lake: LakeResource
    ) -> dg.RunRequest | dg.SkipReason:
        outlook = Outlook(captures, lake, dates, policy)
        seen = outlook.seen()
        if isinstance(seen, dg.SkipReason):
            return seen
        if seen.current is not None and not seen.current.unreadable:
            return dg.SkipReason(f"no capture is new; {seen.current.captures} are decoded")
        return decoding_request(context.instance, seen.listing, outlook)

    return hourly
