"""The rules about rows that a release rests on: predicates of the domain at pinned versions.

In: a date of the pinned versions. Out: the verdict of each rule. Invariants: every rule is judged
anew on exactly the rows that the release names; a verdict remembered from the day of the
computation says nothing about them.

Belongs here: which predicate is asked of which table, and collecting verdicts. Goes elsewhere: the
predicates (`rugs_assets.domain`). A caller may hand in rules of its own beside these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from rugs_assets.domain.episodes import violations_of_capture_date, violations_of_fairness
from rugs_assets.domain.observations import (
    violations_of_feature_schema,
    violations_of_finiteness,
    violations_of_ranges,
)
from rugs_assets.domain.order import violations_of_order
from rugs_assets.domain.sample_rules import violations_of_endings, violations_of_tick_steps
from rugs_assets.domain.shards import (
    violations_of_known_episodes,
    violations_of_shards_against_rows,
)
from rugs_assets.domain.steps import violations_of_steps
from rugs_assets.domain.violations import Violations
from rugs_assets.lake import catalog
from rugs_assets.lake.errors import cure_of
from rugs_assets.lake.release_basis import PinnedDate
from rugs_assets.lake.specs import TableSpec


@dataclass(frozen=True, slots=True)
class ReleaseRule:
    """A promise about the rows of a date.

    Attributes:
        table: the table it is about.
        name: how it is called in the manifest.
        judge: applies the predicate to a date.
        blocking: whether a date that breaks it may not enter a release; otherwise the manifest
            says how often it is broken.
    """

    table: TableSpec
    name: str
    judge: Callable[[PinnedDate], Violations]
    blocking: bool = True


def judged(
    rules: Sequence[ReleaseRule], dates: Iterable[PinnedDate], progress: Callable[[date], None]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Judge every rule on every date.

    Args:
        rules: the promises.
        dates: the dates, oldest first.
        progress: told each date that is done.

    Returns:
        What the manifest says of each rule, and a line for every blocking rule that a date breaks.
    """
    broken = {(rule.table.name, rule.name): 0 for rule in rules}
    days, problems = 0, []
    for pinned in dates:
        for rule in rules:
            found = rule.judge(pinned)
            broken[rule.table.name, rule.name] += found.count
            if rule.blocking and not found.ok:
                cure = cure_of(rule.table.name, pinned.date)
                problems.append(
                    f"{pinned.date}: {rule.table.name} breaks the rule {rule.name}: {found}; "
                    f"cure: {cure}"
                )
        days += 1
        progress(pinned.date)
    said = [
        {
            "table": rule.table.name,
            "rule": rule.name,
            "blocking": rule.blocking,
            "dates": days,
            "violations": broken[rule.table.name, rule.name],
        }
        for rule in rules
    ]
    return said, problems


def _declared(spec: TableSpec) -> Callable[[PinnedDate], Violations]:
    def judge(day: PinnedDate) -> Violations:
        found = [violations_of_feature_schema(schema) for schema in day.schemas(spec)]
        return next((each for each in found if not each.ok), found[0])

    return judge


def _by_frame(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows under the name that the predicates of observations know their number by."""
    for batch in batches:
        names: Mapping[str, str] = {"step": "frame"}
        yield batch.rename_columns([names.get(name, name) for name in batch.schema.names])


def _in_order(spec: TableSpec, by: str) -> ReleaseRule:
    return ReleaseRule(
        spec,
        "rows_in_order",
        lambda day: violations_of_order(day.batches(spec, ["episode_id", by]), by),
    )


_ENDINGS = ("episode_id", "frame", "done", "truncated")
_TICKS = ("episode_id", "frame", "tick_delta")

RULES: tuple[ReleaseRule, ...] = (
    ReleaseRule(
        catalog.EPISODES,
        "games_of_this_date",
        lambda day: violations_of_capture_date(
            day.table(catalog.EPISODES, ["episode_id"]), day.date
        ),
    ),
    ReleaseRule(
        catalog.EPISODES,
        "provably_fair",
        lambda day: violations_of_fairness(day.table(catalog.EPISODES)),
        blocking=False,  # games that contradict their seed are excluded one by one
    ),
    _in_order(catalog.OBSERVATIONS, "frame"),
    _in_order(catalog.ALIGNED_SAMPLES, "frame"),
    ReleaseRule(
        catalog.ALIGNED_SAMPLES,
        "games_end_once",
        lambda day: violations_of_endings(day.batches(catalog.ALIGNED_SAMPLES, _ENDINGS)),
    ),
    ReleaseRule(
        catalog.ALIGNED_SAMPLES,
        "ticks_ascend",
        lambda day: violations_of_tick_steps(day.batches(catalog.ALIGNED_SAMPLES, _TICKS)),
    ),
    ReleaseRule(
        catalog.TRAINING_SHARDS, "features_as_declared", _declared(catalog.TRAINING_SHARDS)
    ),
    ReleaseRule(
        catalog.TRAINING_SHARDS,
        "features_finite",
        lambda day: violations_of_finiteness(_by_frame(day.batches(catalog.TRAINING_SHARDS))),
    ),
    ReleaseRule(
        catalog.TRAINING_SHARDS,
        "features_in_range",
        lambda day: violations_of_ranges(_by_frame(day.batches(catalog.TRAINING_SHARDS))),
        blocking=False,
    ),
    _in_order(catalog.TRAINING_SHARDS, "step"),
    ReleaseRule(
        catalog.TRAINING_SHARDS,
        "steps_lead_to_the_next",
        lambda day: violations_of_steps(day.batches(catalog.TRAINING_SHARDS)),
    ),
    ReleaseRule(
        catalog.TRAINING_SHARDS,
        "steps_are_the_decisions",
        lambda day: violations_of_shards_against_rows(
            day.batches(catalog.TRAINING_SHARDS),
            day.batches(catalog.OBSERVATIONS),
            day.batches(catalog.ALIGNED_SAMPLES),
        ),
    ),
    ReleaseRule(
        catalog.TRAINING_SHARDS,
        "episodes_exist",
        lambda day: violations_of_known_episodes(
            day.batches(catalog.TRAINING_SHARDS, ["episode_id"]), day.table(catalog.EPISODES)
        ),
    ),
)
"""What every release rests on."""
