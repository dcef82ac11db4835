"""The sensor on the capture folder: exactly the dates that a changed capture touches.

A tick lists the folder and compares it with the ledger. While the two differ it asks for the job
that decodes captures; once they agree it asks for the dates whose captures are others than those
that their rows were made from: new, changed or removed files, and files that reveal seeds of other
dates' games. What was seen in earlier ticks is not needed for that, so a lost cursor costs one
full look and nothing else.
"""

from collections.abc import Iterable, Mapping
from datetime import date

import dagster as dg
import msgspec
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from rugs_assets.lake.due import Choice, Verdict, choose
from rugs_assets.lake.ledger import Ledger
from rugs_assets.orchestration.automation import Policy, request_for
from rugs_assets.orchestration.decoding import decoding_request
from rugs_assets.orchestration.history import past_of_date, work_of
from rugs_assets.orchestration.outlook import Outlook
from rugs_assets.orchestration.resources import CapturesResource, LakeResource

SENSOR_NAME = "late_data"
_PRIORITY = 1
"""What has only just arrived goes before what the backfill schedule found."""
_SHOWN = 5


class Cursor(msgspec.Struct, frozen=True):
    """The ledger that has been dealt with: nothing is to be done until there is another."""

    made_by: str = ""
    serial: int = 0

    @classmethod
    def of(cls, ledger: Ledger) -> "Cursor":
        """That this ledger has been dealt with."""
        return cls(ledger.made_by, ledger.serial)

    @classmethod
    def read(cls, text: str | None) -> "Cursor":
        """A cursor as Dagster kept it; anything else counts as none."""
        try:
            return msgspec.json.decode(text or "{}", type=cls)
        except msgspec.MsgspecError:
            return cls()

    def write(self) -> str:
        """As Dagster keeps it."""
        return msgspec.json.encode(self).decode()


def late_data_sensor(
    jobs: Iterable[UnresolvedAssetJobDefinition | dg.JobDefinition],
    dates: dg.PartitionsDefinition[str],
    policy: Policy,
) -> dg.SensorDefinition:
    """Looks at the capture folder twice a minute; off until it is switched on in the UI."""

    @dg.sensor(
        name=SENSOR_NAME,
        jobs=list(jobs),
        minimum_interval_seconds=policy.sensor_seconds,
        description="New, changed and removed captures -> the dates that they touch.",
    )
    def late_data(
        context: dg.SensorEvaluationContext, captures: CapturesResource, lake: LakeResource
    ) -> dg.SensorResult | dg.SkipReason:
        outlook = Outlook(captures, lake, dates, policy)
        seen = outlook.seen()
        if isinstance(seen, dg.SkipReason):
            return seen
        ledger = seen.current
        if ledger is None:
            request = decoding_request(context.instance, seen.listing, outlook)
            if isinstance(request, dg.SkipReason):
                return request
            return dg.SensorResult(run_requests=[request])
        if Cursor.read(context.cursor) == Cursor.of(ledger):
            return dg.SkipReason(_quiet(ledger, len(seen.listing.growing)))
        return _dates_touched(context, outlook, ledger)

    return late_data


def _dates_touched(
    context: dg.SensorEvaluationContext, outlook: Outlook, ledger: Ledger
) -> dg.SensorResult:
    assert context.repository_def is not None
    work = work_of(context.instance, context.repository_def.asset_graph)
    touched = outlook.touched(ledger)
    pasts = {v.day: past_of_date(context.instance, v.day, v.wants) for v in touched}

    def pause(verdict: Verdict) -> str:
        # Trying again is up to the backfill schedule.
        return "was tried for these captures" if pasts[verdict.day].ended else ""

    choice = choose(touched, work.busy, pause, max(0, outlook.policy.at_once - work.automatic))
    requests = [request_for(v, pasts[v.day], priority=_PRIORITY) for v in choice.launch]
    is_done = not choice.launch and not _may_change(choice, work.busy)
    return dg.SensorResult(
        run_requests=requests,
        skip_reason=None if requests else _waiting(choice) or _quiet(ledger, 0),
        cursor=(Cursor.of(ledger) if is_done else Cursor()).write(),
    )


def _may_change(choice: Choice, busy: Mapping[date, str]) -> bool:
    """Whether a date waits for something that shows in no new ledger: a run, or room for one."""
    return any(day in busy or why == "next batch" for day, why in choice.waiting)


def _waiting(choice: Choice) -> str:
    shown = "; ".join(f"{day}: {why}" for day, why in choice.waiting[:_SHOWN])
    more = len(choice.waiting) - _SHOWN
    return f"{shown}; and {more} more dates" if more > 0 else shown


def _quiet(ledger: Ledger, growing: int) -> str:
    said = f"no capture is new; {ledger.captures} hold {len(ledger.days)} dates"
    if growing:
        said += f"; {growing} are still written to"
    if ledger.unreadable:
        said += f"; cannot be opened: {'; '.join(ledger.unreadable[:_SHOWN])}"
    return said
