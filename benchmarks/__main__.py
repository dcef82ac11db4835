"""`make bench`: one table of ratios, on simulated captures with frames as big as real ones."""

from __future__ import annotations

import argparse
import gc
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import references
from benchmarks.chain import Chain
from benchmarks.fairness import games_per_second
from benchmarks.plan_baseline import samples_of
from rugs_assets.domain.simulator import Plan, write_simulation

DECODE = "msgspec, typed decode"
PLAN = "the plan, plainly"
ROUNDS = 3


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--games", type=int, default=20, help="simulated games a date (two dates)")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument(
        "--steps", type=int, default=2_000_000, help="steps of the loader's release; 0: no loader"
    )
    options = parser.parse_args()
    console = Console(width=100, highlight=False)
    with tempfile.TemporaryDirectory() as folder:
        captures = Path(folder) / "captures"
        write_simulation(Plan(days=2, games_per_day=options.games), captures, truth=None)
        lines = sorted(captures.rglob("*.jsonl"))
        size = sum(path.stat().st_size for path in lines)
        console.print(f"{len(lines)} files, {size / 1e6:,.0f} MB, {options.rounds} rounds")
        chain = Chain(captures, Path(folder) / "work")
        seconds, counts = measure(parts(lines, chain), chain, options.rounds)
        console.print(table(seconds, counts, size))
        overhead = (seconds["Dagster job"] - seconds["five stages"]) / len(chain.days)
        console.print(f"Dagster and all checks add {overhead:.2f} s a date (target: at most 4).")
    games = games_per_second(options.rounds)
    console.print(f"Provably fair: {games:,.0f} price curves a second recomputed from their seeds.")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    console.print(f"Peak memory of this process: {peak:,.0f} MiB.")
    if options.steps:
        # A process of its own: its memory and its libraries are not those of the pipeline.
        loader = [sys.executable, "-m", "benchmarks.loader", "--steps", str(options.steps)]
        return subprocess.run(loader, check=False).returncode
    return 0


def parts(lines: list[Path], chain: Chain) -> dict[str, Callable[[], int]]:
    """Name -> what is measured, in the order in which a round runs them."""
    return {
        "read, count lines": lambda: references.count_lines(lines),
        DECODE: lambda: references.msgspec_typed(lines),
        "stdlib json": lambda: references.stdlib_json(lines),
        PLAN: lambda: len(samples_of(chain.captures)),
        "decode captures": chain.decode,
        "five stages": chain.stages,
        "Dagster job": chain.dagster,
    }


def measure(
    work: dict[str, Callable[[], int]], chain: Chain, rounds: int
) -> tuple[dict[str, float], dict[str, int]]:
    """Interleaved rounds; the median of each part in seconds, and what it counted."""
    taken: dict[str, list[float]] = {name: [] for name in work}
    counts: dict[str, int] = {}
    for _ in range(rounds):
        chain.forget()
        for name, part in work.items():
            gc.collect()
            start = time.perf_counter()
            counts[name] = part()
            taken[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in taken.items()}, counts


def table(seconds: dict[str, float], counts: dict[str, int], size: int) -> Table:
    """Rates, and how they compare with bare decoding."""
    shown = Table("part", box=None, pad_edge=False, title_justify="left")
    for column in ("seconds", "MB/s", "x bare decode", "counted"):
        shown.add_column(column, justify="right")
    rows = {**seconds, "captures -> shards": seconds["decode captures"] + seconds["five stages"]}
    for name, taken in rows.items():
        shown.add_row(
            name,
            f"{taken:.2f}",
            f"{size / taken / 1e6:,.0f}",
            f"{seconds[DECODE] / taken:.2f}",
            f"{counts[name]:,}" if name in counts else "",
        )
    return shown


if __name__ == "__main__":
    sys.exit(main())
