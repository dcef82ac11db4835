"""What a rule about data returns: how many rows break it, and the first of them to look at.

In: whatever a predicate ``violations_of_*`` found. Out: a frozen record that an asset check, a
release or a command line can show. No rule lives here: each stands beside the data it is about.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

EXAMPLES = 5
"""How many offending rows a violation shows; enough to see the pattern, few enough to read."""


@dataclass(frozen=True, slots=True)
class Violations:
    """The outcome of one rule.

    Attributes:
        rule: the rule in words, as true of good data ("price is above 0").
        count: rows (or games, files) that break it; 0 is a pass.
        examples: the first few offenders, each with what identifies it, expected and found.
        cure: what to do about it.
    """

    rule: str
    count: int
    examples: tuple[dict[str, object], ...] = ()
    cure: str = ""

    @property
    def ok(self) -> bool:
        """Whether the rule holds everywhere."""
        return self.count == 0

    def __str__(self) -> str:
        if self.ok:
            return f"{self.rule}: holds"
        shown = "; ".join(
            ", ".join(f"{key}={value!r}" for key, value in example.items())
            for example in self.examples
        )
        cure = f" Cure: {self.cure}" if self.cure else ""
        return f"{self.rule}: broken {self.count} times, first: {shown}.{cure}"


def violations(
    rule: str, found: Iterable[Mapping[str, object]], *, cure: str = "", count: int | None = None
) -> Violations:
    """Collect offenders into a `Violations`, keeping the first few as examples.

    Args:
        rule: the rule in words.
        found: the offenders, in the order of the data.
        cure: what to do about it.
        count: how many there are, where ``found`` holds only the first of them.
    """
    offenders = iter(found)
    examples = tuple(dict(example) for example in islice(offenders, EXAMPLES))
    total = len(examples) + sum(1 for _ in offenders)
    return Violations(rule, total if count is None else count, examples, cure)
