"""Is every event of a date accounted for? Its tally is stored with its rows, and compared to them.

In: a date of the store. Out: violations. Invariants: the tally is written by whoever wrote
`raw_ws_events` and lies in its files, so that the sums can be made again without the captures.

Belongs here: what a tally says and the sums. Goes elsewhere: counting the captures (`inventory`),
comparing with the captures as they lie there now (`rugs_assets.orchestration.accounting`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow.compute as pc

from rugs_assets.domain.violations import Violations, violations
from rugs_assets.lake import catalog
from rugs_assets.lake.date_rows import DateRows
from rugs_assets.lake.errors import cure_of

COUNTS = ("kept", "used", "ignored", "rejected")
"""What is counted: events of the date, those in `raw_ws_events`, those left out by name, and the
records in `rejected_input`."""


def tally_of(counted: Mapping[str, Any], lost: int) -> str:
    """The tally of a date, as it is stored with its rows.

    Args:
        counted: what `DayInput.tally` says of the date.
        lost: lines of the captures that nobody can tell the fate of.
    """
    return json.dumps({"lost": lost, **{name: counted[name] for name in COUNTS}}, sort_keys=True)


def violations_of_stored_accounting(day: DateRows) -> Violations:
    """The sums of the tally that is stored with the date."""
    return violations(
        "no line lost; events kept = used + ignored; used events and rejected records are in"
        " their tables",
        _stored_differences(day),
        cure=cure_of(catalog.RAW_WS_EVENTS.name, day.date),
    )


def differences(day: DateRows, tally: Mapping[str, Any]) -> Iterator[Mapping[str, object]]:
    """Where a tally does not add up, or does not agree with the rows of the date."""
    used = sum(
        batch.num_rows - (pc.sum(batch["is_context"]).as_py() or 0)
        for batch in day.batches(catalog.RAW_WS_EVENTS, ["is_context"])
    )
    rejected = day.stored(catalog.REJECTED_INPUT).rows
    for what, expected, rows in (
        ("events kept", tally["kept"], tally["used"] + tally["ignored"]),
        ("used events in raw_ws_events", tally["used"], used),
        ("records in rejected_input", tally["rejected"], rejected),
    ):
        if expected != rows:
            yield {"what": what, "expected": expected, "found": rows}


def _stored_differences(day: DateRows) -> Iterator[Mapping[str, object]]:
    stored = day.stored(catalog.RAW_WS_EVENTS)
    if not stored.tally:
        yield {"what": "tally of the captures", "expected": "in the files", "found": "none"}
        return
    tally = json.loads(stored.tally)
    if tally["lost"]:
        yield {"what": "lines of captures", "expected": 0, "found": tally["lost"]}
    yield from differences(day, tally)
