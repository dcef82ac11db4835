"""Measuring: interleaved rounds in one process, CPU time beside the clock, peaks of memory.

On a machine that others use too, the clock tells of them; CPU time (user + system) tells mostly of
the work. Ratios are taken within a round, where both sides met the same machine, and their median
is shown. Every figure keeps its spread.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_STATUS = Path("/proc/self/status")


@dataclass(slots=True)
class Measured:
    """One part, over all rounds.

    Attributes:
        cpu: CPU seconds of each round; ``wall`` seconds by the clock.
        counted: what the part returned: events, rows or lines.
        peak_mib: the greatest growth of resident memory while it ran; None where not known.
    """

    name: str
    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    counted: int = 0
    peak_mib: float | None = None

    @property
    def seconds(self) -> float:
        """Median CPU seconds."""
        return statistics.median(self.cpu)

    @property
    def spread(self) -> float:
        """(greatest - least) / median of the CPU seconds."""
        return (max(self.cpu) - min(self.cpu)) / self.seconds if self.seconds else 0.0

    def times(self, reference: Measured) -> float:
        """How many times as fast as another part: the median of the rounds' ratios."""
        pairs = zip(reference.cpu, self.cpu, strict=True)
        return statistics.median(other / own if own else 0.0 for other, own in pairs)


def measure(
    parts: Mapping[str, Callable[[], int]],
    rounds: int,
    before: Callable[[], object] = lambda: None,
) -> dict[str, Measured]:
    """Run all parts in turn, round by round.

    Args:
        parts: name -> what is measured.
        rounds: how often.
        before: called at the beginning of each round.
    """
    found = {name: Measured(name) for name in parts}
    for _ in range(rounds):
        before()
        for name, part in parts.items():
            gc.collect()
            start_kib = _fresh_peak()
            cpu, wall = time.process_time(), time.perf_counter()
            counted = part()
            one = found[name]
            one.cpu.append(time.process_time() - cpu)
            one.wall.append(time.perf_counter() - wall)
            one.counted = counted
            if start_kib is not None:
                grown = (_kib("VmHWM") - start_kib) / 1024
                one.peak_mib = max(grown, one.peak_mib or 0.0)
    return found


def together(parts: list[Measured], name: str) -> Measured:
    """Several parts of the same rounds as one: the sum of their times."""
    return Measured(
        name,
        [sum(times) for times in zip(*(part.cpu for part in parts), strict=True)],
        [sum(times) for times in zip(*(part.wall for part in parts), strict=True)],
        parts[-1].counted,
        max((part.peak_mib for part in parts if part.peak_mib is not None), default=None),
    )


def _fresh_peak() -> int | None:
    """Count the peak of resident memory anew; what is resident now, KiB (None: not on Linux)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
        return _kib("VmRSS")
    except OSError:
        return None


def _kib(name: str) -> int:
    lines = _STATUS.read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
