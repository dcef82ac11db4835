"""The loader beside numpy, TorchRL, torch, d3rlpy and Minari on the same transitions.

    python -m benchmarks.loader [--steps 2000000] [--rounds 5] [--json FILE]

`run()` gives rows, `show(rows, console)` prints them. Rounds are interleaved, and every figure is
read as a ratio to another one of the same run. Loaders are measured in samples a second of CPU
time: all of them run in one thread, and what else the machine does then counts for none. Opening,
which has several threads, is measured by the clock, and compared by the fastest round of each.
Peers that are not installed are left out with a message: `pip install "rugs_assets[bench]"`.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from benchmarks import loader_peers
from benchmarks.loader_store import RELEASE, make_store
from rugs_assets.lake.dataset import TrainingDataset

BATCHES = (256, 1_024, 4_096)
LIMIT = "numpy take(out=), given indices"
OWN = "batches(seed=), buffers reused"
OPENING = "opening, seconds"
EPISODES = "whole episodes, steps"
_SECONDS = 0.4  # a measurement
_LOOK = 8  # batches between two looks at the clock

Stream = Callable[[int], Iterator[int]]
"""Batch size -> samples of each batch, without end."""


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


def run(steps: int = 2_000_000, rounds: int = 5, say: Callable[[str], None] = print) -> list[Row]:
    """Measure everything on a store of simulated steps.

    Args:
        steps: how many rows of `training_shards`.
        rounds: interleaved repetitions.
        say: told what is going on and what is left out.
    """
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        say(f"making a release of {steps:,} steps")
        make_store(store, steps)
        rows = opening(store, rounds)
        dataset = TrainingDataset.open(store, release=RELEASE)
        mapped = TrainingDataset.open(store, release=RELEASE, memory_limit=0)
        peers = loader_peers.installed(dataset, Path(folder), say)
        for batch in BATCHES:
            streams = minibatches(dataset, mapped) | peers.minibatches
            rows += compared(f"random minibatches of {batch}", streams, batch, rounds)
        rows += compared(EPISODES, episodes(dataset) | peers.episodes, 300, rounds)
    return rows


def opening(store: Path, rounds: int) -> list[Row]:
    """Seconds from nothing to the first batch, and of pyarrow for the same files."""
    files = sorted((store / "releases" / RELEASE / "training_shards").rglob("*.parquet"))
    work: dict[str, Callable[[], object]] = {
        "pyarrow reads the same files": lambda: [pq.read_table(path) for path in files],
        "open, every byte checked, first batch": lambda: next(
            TrainingDataset.open(store, release=RELEASE).batches(256, seed=0)
        ),
        "open from the cache, first batch": lambda: next(
            TrainingDataset.open(store, release=RELEASE, memory_limit=0).batches(256, seed=0)
        ),
    }
    for part in work.values():
        part()  # the cache is built, the files are in memory
    return measured(OPENING, {name: timed(part) for name, part in work.items()}, rounds)


def minibatches(dataset: TrainingDataset, mapped: TrainingDataset) -> dict[str, Stream]:
    """What the loader does, and what numpy alone does with the same arrays."""
    rng = np.random.default_rng(0)

    def dealt(from_: TrainingDataset, *, reuse: bool) -> Stream:
        return lambda size: (
            len(batch["rewards"]) for batch in from_.batches(size, seed=1, epochs=None, reuse=reuse)
        )

    def drawn(size: int) -> Iterator[int]:
        out = None
        while True:
            out = dataset.sample(size, rng=rng, out=out)
            yield size

    return {
        LIMIT: lambda size: take_out(dataset, size),
        "numpy fancy index": lambda size: fancy(dataset, size),
        OWN: dealt(dataset, reuse=True),
        "batches(seed=), new arrays": dealt(dataset, reuse=False),
        "sample(rng=)": drawn,
        "batches(seed=), mapped from the cache": dealt(mapped, reuse=True),
    }


def take_out(dataset: TrainingDataset, size: int) -> Iterator[int]:
    """The limit: five takes into the same buffers, the indices drawn beforehand."""
    steps = dataset.steps
    observations, columns = steps.observations, steps.columns
    here, there = (np.empty((size, observations.shape[1]), np.float32) for _ in range(2))
    labels = {name: np.empty(size, columns[name].dtype) for name in ("action", "reward", "done")}
    rng = np.random.default_rng(0)
    given = rng.integers(0, steps.count - 1, (max(1, steps.count // size), size))
    for rows in itertools.cycle(given):
        observations.take(rows, axis=0, out=here, mode="clip")
        observations.take(rows + 1, axis=0, out=there, mode="clip")
        for name, out in labels.items():
            columns[name].take(rows, out=out, mode="clip")
        yield size


def fancy(dataset: TrainingDataset, size: int) -> Iterator[int]:
    """The same with fancy indices, new arrays each."""
    steps = dataset.steps
    rng = np.random.default_rng(0)
    given = rng.integers(0, steps.count - 1, (max(1, steps.count // size), size))
    for rows in itertools.cycle(given):
        batch = [steps.observations[rows], steps.observations[rows + 1]]
        batch += [steps.columns[name][rows] for name in ("action", "reward", "done")]
        yield len(batch[0])


def episodes(dataset: TrainingDataset) -> dict[str, Stream]:
    """Episodes as views, and as windows that are copied into a batch."""

    def views(_: int) -> Iterator[int]:
        for epoch in itertools.count():
            yield from (len(each.rewards) for each in dataset.episodes(seed=1, epoch=epoch))

    def windows(length: int) -> Iterator[int]:
        stream = dataset.sequences(length, length, batch_size=16, seed=1, epochs=None, reuse=True)
        return (batch["masks"].size for batch in stream)

    return {"episodes(seed=), views": views, "sequences(300, 300), copied": windows}


def compared(group: str, streams: Mapping[str, Stream], size: int, rounds: int) -> list[Row]:
    """Samples a second of each stream."""
    running = {name: stream(size) for name, stream in streams.items()}
    for stream in running.values():
        next(stream)
    return measured(group, {name: rated(stream) for name, stream in running.items()}, rounds)


def measured(group: str, measure: Mapping[str, Callable[[], float]], rounds: int) -> list[Row]:
    """Interleaved rounds, so that what disturbs the machine disturbs all alike."""
    values: dict[str, list[float]] = {name: [] for name in measure}
    for _ in range(rounds):
        for name, once in measure.items():
            gc.collect()
            values[name].append(once())
    return [
        Row(
            group,
            name,
            min(found) if group == OPENING else statistics.median(found),
            (max(found) - min(found)) / statistics.median(found),
        )
        for name, found in values.items()
    ]


def timed(work: Callable[[], object]) -> Callable[[], float]:
    """Seconds that `work` takes."""

    def once() -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return once


def rated(stream: Iterator[int]) -> Callable[[], float]:
    """Samples a second of CPU time while `stream` is drained for a while."""

    def once() -> float:
        start, samples = time.process_time(), 0
        while (taken := time.process_time() - start) < _SECONDS:
            samples += sum(itertools.islice(stream, _LOOK))
        return samples / taken

    return once


def show(rows: list[Row], console: Console) -> None:
    """Print each group with ratios to its first member, then the targets."""
    for group in dict.fromkeys(row.group for row in rows):
        members = [row for row in rows if row.group == group]
        table = Table(group, box=None, pad_edge=False)
        for column in ("M/s" if group != OPENING else "s", f"x {members[0].name}", "spread"):
            table.add_column(column, justify="right")
        for row in members:
            shown = f"{row.value:.3f}" if group == OPENING else f"{row.value / 1e6:.3f}"
            ratio = f"{row.value / members[0].value:.2f}"
            table.add_row(row.name, shown, ratio, f"{row.spread:.0%}")
        console.print(table, "")
    for line in targets(rows):
        console.print(line)


def targets(rows: list[Row]) -> Iterator[str]:
    """The targets, each with what was found."""
    by = {(row.group, row.name): row.value for row in rows}
    for batch in BATCHES:
        group = f"random minibatches of {batch}"
        own = by[group, OWN]
        yield f"{group}: {own / by[group, LIMIT]:.2f} x numpy take(out=) (target: 0.9)"
        rivals = [by[group, name] for name in loader_peers.TORCHRL if (group, name) in by]
        if rivals:
            yield f"{group}: {own / max(rivals):.1f} x TorchRL at its fastest (target: 5)"
    if (EPISODES, loader_peers.D3RLPY) in by:
        peer = by[EPISODES, loader_peers.D3RLPY]
        for name in ("episodes(seed=), views", "sequences(300, 300), copied"):
            yield f"{EPISODES}, {name}: {by[EPISODES, name] / peer:.1f} x d3rlpy (target: 1)"
    arrow, own = (
        by[OPENING, name] for name in list(dict.fromkeys(n for g, n in by if g == OPENING))[:2]
    )
    yield f"cold open to the first batch: {own / arrow:.2f} x pyarrow alone (target: at most 1.5)"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loader", description=__doc__)
    parser.add_argument("--steps", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="also write the rows there")
    options = parser.parse_args()
    console = Console(width=110, highlight=False)
    rows = run(options.steps, options.rounds, console.print)
    show(rows, console)
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
