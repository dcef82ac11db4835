"""Write a simulation into two folders, which the caller names.

In: a `Plan` and the folders. Out: files, and what was written of them. Invariants: nothing that is
there is overwritten or added to; what fails or is interrupted leaves no file behind; the truth
never lies inside the captures' folder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

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
        OSError: a folder cannot be written to.
    """
    if truth is not None and truth.resolve().is_relative_to(captures.resolve()):
        raise ValueError(f"the truth must not lie among the captures: {truth} is inside {captures}")
    sizes: dict[Path, int] = {}
    truths: dict[Path, int] = {}
    last = Progress(0, None, 0)
    try:
        for output in simulate(plan):
            if isinstance(output, Progress):
                last = output
                if progress is not None:
                    progress(output)
            elif not isinstance(output, Truth):
                _write(output, captures / output.path, sizes)
            elif truth is not None:
                _write(output, truth / output.path, truths)
    except BaseException:
        # Half a simulation must not be taken for captures by whoever looks there next.
        for path in (*sizes, *truths):
            path.unlink(missing_ok=True)
        raise
    return Summary(last.games, last.events, len(sizes), sum(sizes.values()))


def _write(output: Appended | Stored | Truth, path: Path, sizes: dict[Path, int]) -> None:
    """Write a piece of a file, noted before it is filled; open only as long as that takes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab" if path in sizes else "xb") as file:
        sizes.setdefault(path, 0)
        if isinstance(output, Appended):
            file.write(output.data)
        else:
            pq.write_table(output.table, file)
        sizes[path] = file.tell()
