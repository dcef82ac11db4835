"""The rules that a release rests on, judged anew at the pinned versions.

In: the rules of the tables, dates at pinned versions. Out: what the manifest says of each rule, and
a line for each that a date breaks. Invariants: a verdict is of exactly the rows that the release
names; one remembered from the day of the computation says nothing about them.

Belongs here: judging and collecting verdicts. Goes elsewhere: the rules (`date_rules`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from rugs_assets.domain.violations import Violations
from rugs_assets.lake.date_rules import DateRule
from rugs_assets.lake.errors import LakeError, cure_of
from rugs_assets.lake.release_basis import PinnedDate

Rules = Mapping[str, Sequence[DateRule]]
"""Table name -> its rules."""


def judged(
    rules: Rules, dates: Iterable[PinnedDate], progress: Callable[[date], None]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Judge every rule on every date.

    Args:
        rules: the promises.
        dates: the dates, oldest first.
        progress: told each date that is done.

    Returns:
        What the manifest says of each rule, and a line for every blocking rule that a date breaks
        and for whatever rule cannot be judged: nothing rests on what cannot be read.
    """
    every = [(table, rule) for table, found in rules.items() for rule in found]
    broken = [0] * len(every)
    days, problems = 0, []
    for pinned in dates:
        for at, (table, rule) in enumerate(every):
            found, was_read = _verdict(rule, pinned)
            broken[at] += found.count
            if (rule.blocking and not found.ok) or not was_read:
                problems.append(
                    f"{pinned.date}: {table} breaks the rule {rule.name}: {found}; "
                    f"cure: {cure_of(table, pinned.date)}"
                )
        days += 1
        progress(pinned.date)
    said = [
        {
            "table": table,
            "rule": rule.name,
            "blocking": rule.blocking,
            "dates": days,
            "violations": count,
        }
        for (table, rule), count in zip(every, broken, strict=True)
    ]
    return said, problems


def _verdict(rule: DateRule, day: PinnedDate) -> tuple[Violations, bool]:
    """What a rule says, and whether the date could be read; else it breaks whatever is asked."""
    try:
        return rule.judge(day), True
    except LakeError as error:
        return Violations(rule.description, 1, ({"problem": str(error)},)), False
