"""Which rules hold for which asset, and which of them stop the assets after it.

A rule is a predicate of the domain applied to one date of the store. The checks of the UI are
generated from this list, and `training_shards` asserts the blocking rules of its inputs by it: a
blocking check holds only within the run that found it broken.
"""

from collections.abc import Callable
from dataclasses import dataclass

from rugs_assets.domain.violations import Violations, violations
from rugs_assets.lake import catalog
from rugs_assets.lake.errors import SchemaMismatch, cure_of
from rugs_assets.lake.specs import TableSpec
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
    """

    name: str
    description: str
    judge: Judge
    blocking: bool = True


def _schema(table: TableSpec) -> Rule:
    def judge(day: Day, _: CapturesResource) -> Violations:
        found = []
        try:
            day.lake.read(table, day.date)
        except SchemaMismatch as error:
            found.append({"table": table.name, "problem": str(error)})
        return violations(
            "stored columns, types and order are the declared ones",
            found,
            cure=cure_of(table.name, day.date),
        )

    return Rule("schema_as_declared", "The stored schema is the declared one.", judge)


def _accounting(day: Day, captures: CapturesResource) -> Violations:
    return violations_of_accounting(day, captures.open().refresh())


RULES: dict[str, tuple[Rule, ...]] = {
    "raw_ws_events": (
        _schema(catalog.RAW_WS_EVENTS),
        Rule(
            "every_line_accounted_for",
            "Lines read = kept + duplicates + rejected; events kept = used + ignored by name.",
            _accounting,
        ),
    ),
    "episodes": (_schema(catalog.EPISODES),),
    "observations": (_schema(catalog.OBSERVATIONS),),
    "aligned_samples": (_schema(catalog.ALIGNED_SAMPLES),),
    "training_shards": (_schema(catalog.TRAINING_SHARDS),),
}
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
