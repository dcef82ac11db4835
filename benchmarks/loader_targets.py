"""What the loader has to reach, and whether it did: judged from its rows, wherever they are shown.

In: rows of `benchmarks.loader`, just measured or out of its JSON. Out: a `Target` each. A peer that
was not installed has no row, and what it would be held against is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

BATCHES = (256, 1_024, 4_096)
LIMIT = "numpy take(out=), given indices"
OWN = "batches(seed=), buffers reused"
OPENING = "opening, seconds"
ARROW = "pyarrow reads the same files"
COLD = "open, every byte checked, first batch"
EPISODES = "whole episodes, steps"
OWN_EPISODES = ("episodes(seed=), views", "sequences(300, 300), copied")
TORCHRL = ("TorchRL replay buffer, memmap", "TorchRL replay buffer, RAM")
"""Both of its storages; the target is held against the faster one."""
D3RLPY = "d3rlpy"

Target = tuple[str, str, str, bool]
"""What, target, found, and whether it was met."""


@dataclass(frozen=True, slots=True)
class Row:
    """A measurement.

    Attributes:
        group: what is compared with each other.
        name: who did it.
        value: samples or steps a second, the median of the rounds; or seconds, the least.
        spread: (greatest - least) / median.
    """

    group: str
    name: str
    value: float
    spread: float


def minibatches_of(batch: int) -> str:
    """The group of a batch size."""
    return f"random minibatches of {batch}"


def loader_targets(rows: Iterable[Row]) -> Iterator[Target]:
    """The targets of the loader, each with what was found."""
    by = {(row.group, row.name): row.value for row in rows}
    for group in map(minibatches_of, BATCHES):
        own = by[group, OWN]
        rivals = [by[group, name] for name in TORCHRL if (group, name) in by]
        if rivals:
            yield _at_least(f"{group} beside TorchRL at its fastest", 5, own / max(rivals), 1)
        yield _at_least(f"{group} beside numpy take(out=)", 0.9, own / by[group, LIMIT], 2)
    if (EPISODES, D3RLPY) in by:
        for name in OWN_EPISODES:
            times = by[EPISODES, name] / by[EPISODES, D3RLPY]
            yield _at_least(f"{EPISODES}, {name}, beside d3rlpy", 1, times, 1)
    cold = by[OPENING, COLD] / by[OPENING, ARROW]
    what = "cold open of a release to the first batch, beside pyarrow"
    yield what, "<= 1.5 x", f"{cold:.2f} x", cold <= 1.5


def _at_least(what: str, goal: float, times: float, digits: int) -> Target:
    return what, f">= {goal} x", f"{times:.{digits}f} x", times >= goal
