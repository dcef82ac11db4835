"""Findings: what a look at a part of the platform found, and the command that cures it.

In: judges, each of which looks at one thing. Out: frozen `Finding`s in the order they were asked
for. Invariants: a judge that fails is a finding too, so that one broken thing hides no other; a
look changes nothing.

Belongs here: the record and how judges are asked. Goes elsewhere: what is looked at (the modules
`*_health`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "error"]

MAINTENANCE = "dagster job execute -m rugs_assets.definitions -j maintenance"
"""The command that takes clutter away; what it may take is decided in `maintenance`."""
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: what was looked at, in snake case.
        level: `error`: something does not work or is not to be trusted; `warn`: it works, and wants
            looking after; `ok`.
        told: what was found, with places and values.
        cure: what to do, commands between backticks; empty where all is well.
    """

    name: str
    level: Level
    told: str
    cure: str = ""


Judge = Callable[[], Finding]


def judged(judges: Iterable[tuple[str, Judge]]) -> list[Finding]:
    """Ask every judge, in order; one that cannot judge says so."""
    return [_asked(name, judge) for name, judge in judges]


def _asked(name: str, judge: Judge) -> Finding:
    try:
        return judge()
    except Exception as error:  # noqa: BLE001 - whatever is broken, the others are to be heard
        return Finding(
            name,
            "error",
            f"cannot be judged: {type(error).__name__}: {error}",
            "mend what it says, then run `rugs-assets doctor` again",
        )


def finding_of(
    name: str, offenders: Sequence[str], well: str, cure: str, level: Level = "error"
) -> Finding:
    """A finding about things of one kind: the first few of them, or that there is none.

    Args:
        name: of the finding.
        offenders: what is wrong, a phrase each.
        well: what is told where nothing is.
        cure: what to do about them.
        level: of a finding with offenders.
    """
    if not offenders:
        return Finding(name, "ok", well)
    named, more = "; ".join(offenders[:_NAMED]), len(offenders) - _NAMED
    told = f"{named}; and {more} more" if more > 0 else named
    return Finding(name, level, told, cure)
