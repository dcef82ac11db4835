"""The loader beside numpy, TorchRL, torch, d3rlpy and Minari on the same transitions.

    python -m benchmarks.loader [--steps 2000000] [--rounds 5] [--json FILE]

`run()` gives rows, `tell(rows, console)` prints them. Rounds are interleaved, and every figure is
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
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from benchmarks import loader_peers, show
from benchmarks.loader_store import RELEASE, make_store
from benchmarks.loader_targets import (
    ARROW,
    BATCHES,
    COLD,
    EPISODES,
    LIMIT,
    OPENING,
    OWN,
    OWN_EPISODES,
    Row,
    loader_targets,
    minibatches_of,
)
from benchmarks.machine import described
from rugs_assets.lake.dataset import TrainingDataset

_SECONDS = 0.4  # a measurement
_LOOK = 8  # batches between two looks at the clock

Stream = Callable[[int], Iterator[int]]
"""Batch size -> samples of each batch, without end."""


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
            rows += compared(minibatches_of(batch), streams, batch, rounds)
        rows += compared(EPISODES, episodes(dataset) | peers.episodes, 300, rounds)
    return rows


def opening(store: Path, rounds: int) -> list[Row]:
    """Seconds from nothing to the first batch, and of pyarrow for the same files."""
    files = sorted((store / "releases" / RELEASE / "training_shards").rglob("*.parquet"))
    work: dict[str, Callable[[], object]] = {
        ARROW: lambda: [pq.read_table(path) for path in files],
        COLD: lambda: next(TrainingDataset.open(store, release=RELEASE).batches(256, seed=0)),
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

    return dict(zip(OWN_EPISODES, (views, windows), strict=True))


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


def tell(rows: list[Row], console: Console) -> None:
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
    show.targets(loader_targets(rows), console)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loader", description=__doc__)
    parser.add_argument("--steps", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="also write the rows there")
    options = parser.parse_args()
    console = Console(width=110, highlight=False)
    taken_at = described()["taken_at"]
    rows = run(options.steps, options.rounds, console.print)
    tell(rows, console)
    if options.json:
        told = {"taken_at": taken_at, "rows": [asdict(row) for row in rows]}
        options.json.write_text(json.dumps(told, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
