"""Write a simulation into two folders, which the caller names.

In: a `Plan` and the folders. Out: files, and what was written of them. Invariants: nothing that is
there is overwritten or added to; the truth never lies inside the captures' folder.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow.parquet as pq

from rugs_assets.domain.simulator.outputs import Appended, Progress, Stored, Truth
from rugs_assets.domain.simulator.plan import Plan
from rugs_assets.domain.simulator.simulate import simulate


@dataclass(frozen=True, slots=True)
class Summary:
    """What was written: games played, events recorded, files and bytes of the captures."""

    games: int
    events: int
    files: int
    bytes: int


def write_simulation(
    plan: Plan,
    captures: Path,
    truth: Path | None,
    progress: Callable[[Progress], None] | None = None,
) -> Summary:
    """Simulate into folders; they are made where they are missing.

    Args:
        plan: what to simulate.
        captures: folder of the captures; may hold others already.
        truth: folder of the truth, outside of `captures`; None to throw the truth away.
        progress: called after every game.

    Raises:
        ValueError: the truth would lie among the captures, or the plan names an unknown policy.
        FileExistsError: a file that the simulation writes is there already; the message names it.
    """
    if truth is not None and truth.resolve().is_relative_to(captures.resolve()):
        raise ValueError(f"the truth must not lie among the captures: {truth} is inside {captures}")
    last = Progress(0, None, 0)
    sizes: dict[Path, int] = {}
    opened: dict[str, BinaryIO] = {}
    with ExitStack() as stack:
        for output in simulate(plan):
            if isinstance(output, Progress):
                last = output
                if progress is not None:
                    progress(output)
            elif isinstance(output, Appended):
                path = captures / output.path
                if output.path not in opened:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    opened[output.path] = stack.enter_context(path.open("xb"))
                opened[output.path].write(output.data)
                sizes[path] = sizes.get(path, 0) + len(output.data)
            elif isinstance(output, Stored):
                path = captures / output.path
                _write_table(output, path)
                sizes[path] = path.stat().st_size
            elif truth is not None:
                _write_table(output, truth / output.path)
    return Summary(last.games, last.events, len(sizes), sum(sizes.values()))


def _write_table(output: Stored | Truth, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        pq.write_table(output.table, file)
