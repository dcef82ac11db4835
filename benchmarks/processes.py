"""Two processes on two dates beside one process that makes both."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

from benchmarks.measuring import Measured

ONE, TWO = "one process, two dates", "two processes, a date each"


def compare(captures: list[Path], work: Path, rounds: int) -> list[Measured]:
    """Two folders of captures made by one process and by two at once; start-up counts for both.

    Args:
        captures: two folders, a date each.
        work: an empty folder.
        rounds: interleaved repetitions.
    """
    found = {name: Measured(name) for name in (ONE, TWO)}
    for number in range(rounds):
        for name, groups in ((ONE, [captures]), (TWO, [[each] for each in captures])):
            place = work / f"{number}-{len(groups)}"
            cpu, wall = _children(), time.perf_counter()
            running = [
                subprocess.Popen([*_COMMAND, str(place / str(at)), *map(str, group)])
                for at, group in enumerate(groups)
            ]
            if any(process.wait() for process in running):
                raise RuntimeError(f"{name}: a process failed; its message stands above")
            found[name].wall.append(time.perf_counter() - wall)
            found[name].cpu.append(_children() - cpu)
    return list(found.values())


_COMMAND = (sys.executable, "-m", "benchmarks.processes")


def _children() -> float:
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    """Make the dates of some folders, one after the other: WORK CAPTURES ..."""
    from benchmarks.stages import Stages

    work, *captures = map(Path, sys.argv[1:])
    for at, folder in enumerate(captures):
        Stages(folder, work / str(at)).all()
    return 0


if __name__ == "__main__":
    sys.exit(main())
