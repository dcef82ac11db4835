"""What every schedule and sensor looks at before it decides: folder, ledger, tables, runs.

Belongs here: gathering. Goes elsewhere: the decision (`lake.due`), the requests (`automation`).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import dagster as dg

from rugs_assets.lake.due import JudgedTable, Verdict, verdict_on
from rugs_assets.lake.errors import CapturesRefused, CapturesUnreached
from rugs_assets.lake.ledger import Ledger
from rugs_assets.lake.listing import Listing, look_at
from rugs_assets.lake.stored_state import state_of
from rugs_assets.orchestration.automation import Policy
from rugs_assets.orchestration.day import digest_of
from rugs_assets.orchestration.resources import CapturesResource, LakeResource
from rugs_assets.orchestration.stages import STAGES


def _judged() -> Iterable[JudgedTable]:
    for stage in STAGES:
        for spec in filter(None, (stage.table, stage.side_table)):
            yield JudgedTable(spec, stage.name, stage.code_version, stage.inputs)


JUDGED = tuple(_judged())
"""Every table with the asset that writes it, in the order of the graph."""
_OF_CAPTURES = tuple(table for table in JUDGED if not table.inputs)


@dataclass(frozen=True, slots=True)
class Seen:
    """The captures as one look shows them, and what they held when they were last decoded."""

    listing: Listing
    ledger: Ledger | None

    @property
    def current(self) -> Ledger | None:
        """The ledger, if it knows the captures as they are now."""
        ledger = self.ledger
        return ledger if ledger and ledger.listing == self.listing.fingerprint else None


class Outlook:
    """The state of things at one tick.

    Args:
        captures: The capture folder and its ledger.
        lake: The tables.
        dates: The partitions.
        policy: How automation behaves.
    """

    def __init__(
        self,
        captures: CapturesResource,
        lake: LakeResource,
        dates: dg.PartitionsDefinition[str],
        policy: Policy,
    ) -> None:
        self.policy = policy
        self.now = policy.clock()
        self._captures = captures
        self._lake = lake
        self._dates = dates

    def listing(self) -> Listing:
        """The capture folder, or what lies in the bucket.

        Raises:
            CapturesGone: It is not there, or empty while it was not before.
            CapturesRefused, CapturesUnreached: A bucket cannot be listed, or not now.
        """
        place = self._captures.folder
        found = look_at(place, now=self.now, settle_seconds=self.policy.settle_seconds)
        if found is None:
            raise CapturesGone(
                f"{place} (RUGS_CAPTURES) is not there; is its disk mounted? Nothing is launched"
                " until it is back."
            )
        ledger = self.ledger()
        if ledger is not None and ledger.captures and not (found.at_rest or found.growing):
            raise CapturesGone(
                f"{place} (RUGS_CAPTURES) is empty, and held {ledger.captures} captures before; is"
                " its disk mounted? Nothing is launched. If they are meant to be gone, materialize"
                " their dates by hand: they are then stored as empty."
            )
        return found

    def ledger(self) -> Ledger | None:
        """What the captures held when they were last decoded as they would be now."""
        return self._captures.ledger()

    def seen(self) -> Seen | dg.SkipReason:
        """Captures and ledger, or that nothing can be decided because the captures are gone."""
        try:
            return Seen(self.listing(), self.ledger())
        except CAPTURES_AWAY as gone:
            return dg.SkipReason(str(gone))

    def serial(self) -> int:
        """How many ledgers there have been, whatever made them."""
        last = self._captures.last_ledger()
        return last.serial if last is not None else 0

    def verdicts(self, ledger: Ledger, days: Collection[date] | None = None) -> list[Verdict]:
        """What is to be done about every date, or about some, that is a partition by now."""
        return self._judge(ledger, JUDGED, days)

    def touched(self, ledger: Ledger) -> list[Verdict]:
        """What is to be done about the dates of which the captures changed; no others are due.

        Only their own tables are read in full.
        """
        changed = [v.day for v in self._judge(ledger, _OF_CAPTURES, None) if v.is_due]
        return self._judge(ledger, JUDGED, changed) if changed else []

    def _judge(
        self, ledger: Ledger, tables: tuple[JudgedTable, ...], days: Collection[date] | None
    ) -> list[Verdict]:
        state = state_of(self._lake.open(), (table.spec for table in tables), days)
        known = set(state) | {date.fromisoformat(day) for day in ledger.days}
        today = datetime.fromtimestamp(self.now, UTC)
        keys = set(self._dates.get_partition_keys(current_time=today))
        wanted = known if days is None else known & set(days)
        return [
            verdict_on(day, ledger, state.get(day, {}), tables, digest_of)
            for day in sorted(wanted)
            if day.isoformat() in keys
        ]


class CapturesGone(Exception):
    """The capture folder says nothing: dates must not be emptied because a disk is missing."""


CAPTURES_AWAY = (CapturesGone, CapturesRefused, CapturesUnreached)
"""What a look at the captures raises while nothing can be decided from them."""


def as_failed(verdict: Verdict) -> Verdict:
    """The same date, due for another reason: its last run failed after its rows were written."""
    if verdict.is_due:
        return verdict
    return replace(
        verdict, reason="its last run failed", assets=tuple(stage.name for stage in STAGES)
    )
