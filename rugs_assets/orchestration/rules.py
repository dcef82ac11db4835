"""Which rules hold for which asset, and which of them stop the assets after it.

The rules of a date are those of the lake (`rugs_assets.lake.date_rules`), which releases judge by
too; here stand those beside them that need the capture folder or another date. The checks of the UI
are generated from this list, and `training_shards` asserts the blocking rules of its inputs by it:
a blocking check holds only within the run that found it broken.
"""

from collections.abc import Callable
from dataclasses import dataclass

from rugs_assets.domain.drift import violations_of_steadiness
from rugs_assets.domain.feature_summary import SUMMARY_COLUMNS, summary_of
from rugs_assets.domain.violations import Violations, violations
from rugs_assets.lake import catalog, date_rules
from rugs_assets.orchestration.accounting import violations_of_accounting
from rugs_assets.orchestration.day import Day, InputInvalid
from rugs_assets.orchestration.resources import CapturesResource
from rugs_assets.orchestration.stages import Stage

Judge = Callable[[Day, CapturesResource], Violations]


@dataclass(frozen=True, slots=True)
class Rule:
    """A promise of an asset.

    Attributes:
        name: The name of the check.
        description: The promise in words.
        judge: Applies the predicate to a date.
        blocking: Whether assets after it would be wrong without it.
        is_error: Whether a break is an error (red) or, for statistics, a warning. Whatever blocks
            is an error.
    """

    name: str
    description: str
    judge: Judge
    blocking: bool = True
    is_error: bool = False


def _accounting(day: Day, captures: CapturesResource) -> Violations:
    return violations_of_accounting(day, captures.seen())


def _presence(day: Day, _: CapturesResource) -> Violations:
    found = [] if day.stored(catalog.RAW_WS_EVENTS).rows else [{"date": str(day.date), "events": 0}]
    return violations(
        "the captures hold events of the date",
        found,
        cure="put the captures of the date into RUGS_CAPTURES and materialize it again",
    )


def _steadiness(day: Day, _: CapturesResource) -> Violations:
    earlier = day.before(catalog.OBSERVATIONS)
    now = summary_of(day.batches(catalog.OBSERVATIONS, SUMMARY_COLUMNS))
    if earlier is None:
        return violations_of_steadiness(None, now, None)
    rows = day.lake.read(catalog.OBSERVATIONS, earlier, columns=SUMMARY_COLUMNS)
    return violations_of_steadiness(summary_of(rows.batches()), now, earlier)


_OF_OTHER_DATES = {
    "features_steady": Rule(
        "features_steady",
        "The features lie where they lay on the stored date before; names those that moved far.",
        _steadiness,
        blocking=False,  # what moved is not wrong for it
    ),
}
_OF_CAPTURES = {
    # In the place of the rule of the same name that knows no more than the tables do.
    "every_line_accounted_for": Rule(
        "every_line_accounted_for",
        "Lines read = kept + duplicates + rejected; events kept = used + ignored by name.",
        _accounting,
    ),
    "captures_hold_the_date": Rule(
        "captures_hold_the_date",
        "The captures hold events of this date; without any it is stored as empty.",
        _presence,
        blocking=False,
    ),
}


def _of_the_store(rule: date_rules.DateRule) -> Rule:
    def judge(day: Day, _: CapturesResource) -> Violations:
        return rule.judge(day)

    return Rule(rule.name, rule.description, judge, rule.blocking, rule.is_error)


def _rules_of(table: str) -> tuple[Rule, ...]:
    found = {rule.name: _of_the_store(rule) for rule in date_rules.RULES[table]}
    if table == catalog.RAW_WS_EVENTS.name:
        found |= _OF_CAPTURES
    if table == catalog.OBSERVATIONS.name:
        found |= _OF_OTHER_DATES
    return tuple(found.values())


RULES: dict[str, tuple[Rule, ...]] = {table: _rules_of(table) for table in date_rules.RULES}
"""Asset key -> its rules, in the order in which they are shown."""


def assert_inputs(day: Day, stage: Stage, captures: CapturesResource) -> None:
    """Refuse to go on where an input is missing, stale or breaks one of its blocking rules.

    Raises:
        InputInvalid: Lists every rule that is broken, with the first offenders and the cure.
    """
    broken = [
        f"{table.name}, {rule.name}: {found}"
        for table in stage.inputs
        for rule in RULES[table.name]
        if rule.blocking and not (found := rule.judge(day, captures)).ok
    ]
    if broken:
        raise InputInvalid(broken)
