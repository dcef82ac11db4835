"""Is every line of the captures accounted for, in the landing and in the store?

The predicates about rows stand in the domain; this one is about two places that only
orchestration sees together: what the landing says it handed over, and what the tables hold.
"""

from collections.abc import Iterator, Mapping

from rugs_assets.domain.violations import Violations, violations
from rugs_assets.lake import catalog
from rugs_assets.lake.accounting import differences
from rugs_assets.lake.errors import cure_of
from rugs_assets.lake.landing import Inventory
from rugs_assets.orchestration.day import Day

RULE = (
    "lines read = blank + joined + events + duplicates + rejected - doubled, file by file;"
    " events kept = used + ignored; used events and rejected records are in their tables"
)


def violations_of_accounting(day: Day, inventory: Inventory) -> Violations:
    """Compare the tallies of the landing with each other and with what the date holds."""
    cure = cure_of(catalog.RAW_WS_EVENTS.name, day.date)
    return violations(RULE, _differences(day, inventory), cure=cure)


def _differences(day: Day, inventory: Inventory) -> Iterator[Mapping[str, object]]:
    for file in inventory.files:
        if file.lost:
            yield {"what": f"lines of {file.path}", "expected": file.lines, "missing": file.lost}
    found = inventory.select(day.date)
    stored = day.stored(catalog.RAW_WS_EVENTS)
    if stored.input_digest != found.input_digest:
        yield {
            "what": "captures changed since the date was written",
            "expected": found.input_digest,
            "found": stored.input_digest,
        }
        return
    yield from differences(day, found.tally())
