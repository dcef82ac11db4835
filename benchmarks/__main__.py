"""`make bench`: what the parts cost, side by side in one run, as a table and as JSON."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from benchmarks import growth, processes, references, report, show, tiny_files
from benchmarks.chain import Chain
from benchmarks.corpus import Corpus, real_captures, simulated
from benchmarks.fairness import games_per_second
from benchmarks.feature_variants import frames_of, with_pandas, with_polars
from benchmarks.machine import described
from benchmarks.measuring import Measured, measure, together
from benchmarks.plan_baseline import samples_of
from benchmarks.report import (
    BARE,
    CHAIN,
    CHAIN_GROUP,
    FEATURES,
    GROWTH,
    GROWTH_ROUNDS,
    PLAN,
    PROCESSES,
    TINY,
)
from benchmarks.rows import row_of
from benchmarks.stages import Stages
from rugs_assets.domain.observations import EVENT_COLUMNS, observations_of
from rugs_assets.lake import catalog


def main() -> int:
    """Measure, print, and write the JSON that docs/performance.md is made from."""
    options = _options()
    console = Console(width=110, highlight=False)
    result: dict[str, object] = {"machine": described(), "rounds": options.rounds, "rows": []}
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory(dir=options.work) as folder:
        place = Path(folder)
        dates = simulated(place / "captures", options.games, days=2)
        pair = dates.halves(place / "halves")
        date = Corpus(f"a simulated date of {options.games} games", pair[0])
        corpora = [date, *real_captures()]
        for corpus in corpora:
            console.print(f"{corpus.name}: {corpus.describe()}")
            rows += chain_rows(corpus, place / corpus.name, options.rounds)
        rows += feature_rows(date, place / date.name, options.rounds)
        if options.growth:
            rows += growth_rows(place / "growth", GROWTH_ROUNDS * options.rounds)
        found = processes.compare(pair, place / "processes", options.rounds)
        rows += [row_of(one, f"{PROCESSES}, {options.games} games each") for one in found]
        found = tiny_files.compare(place / "tiny", options.files, options.rounds)
        rows += [row_of(one, f"{TINY}, {options.files:,} of them") for one in found]
        result["dagster_seconds_a_date"] = dagster_overhead(dates, place / "dagster")
        result["curves_a_second"] = round(games_per_second(options.rounds))
        result["corpora"] = {corpus.name: corpus.described() for corpus in corpora}
    result["rows"] = rows
    show.table(result, console)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(result, indent=1))
    status = 0
    if options.steps:
        # A process of its own: its memory and its libraries are not those of the pipeline.
        told = options.json.with_name("loader.json")
        loader = [sys.executable, "-m", "benchmarks.loader", "--steps", str(options.steps)]
        loader += ["--rounds", str(options.rounds), "--json", str(told)]
        status = subprocess.run(loader, check=False).returncode
    show.targets(report.targets(report.whole(options.json)), console)
    console.print(f"Written to {options.json}; `python -m benchmarks.report` makes the page of it.")
    return status


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--games",
        type=int,
        default=600,
        help="simulated games a date (600: 1.3 GB, half of a full day; a commit and the start of "
        "a process cost the same whatever the date, so that small ones show little else)",
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--files", type=int, default=1_500, help="tiny files (a full day: 17000)")
    parser.add_argument("--no-growth", dest="growth", action="store_false")
    parser.add_argument(
        "--steps", type=int, default=2_000_000, help="steps of the loader's release; 0: no loader"
    )
    parser.add_argument("--json", type=Path, default=Path("data/bench/bench.json"))
    parser.add_argument("--work", type=Path, help="where scratch files go; a temporary folder")
    return parser.parse_args()


def chain_rows(corpus: Corpus, work: Path, rounds: int) -> list[dict[str, object]]:
    """Every stage and the whole chain, beside the references, on the same bytes."""
    stages = Stages(corpus.folder, work)
    lines = corpus.lines
    other: dict[str, Callable[[], int]] = {
        "memcpy (read and copy)": lambda: references.copied(lines),
        "read, count lines": lambda: references.count_lines(lines),
        BARE: lambda: references.msgspec_typed(lines),
        "stdlib json": lambda: references.stdlib_json(lines),
        PLAN: lambda: len(samples_of(corpus.folder)),
    }
    if not corpus.is_clean:
        # The references know nothing of broken lines: they are measured on what decodes.
        del other["stdlib json"], other[PLAN]
    found = measure({**other, **stages.parts()}, rounds, before=stages.forget)
    chain = together([found[name] for name in stages.parts()], CHAIN)
    group = f"{CHAIN_GROUP}: {corpus.name}"
    rows = [
        row_of(one, group, bytes_=corpus.size, reference=found[BARE])
        for one in [*found.values(), chain]
    ]
    if PLAN in found:
        rows[-1]["times_plan"] = round(chain.times(found[PLAN]), 3)
    return rows


def feature_rows(corpus: Corpus, work: Path, rounds: int) -> list[dict[str, object]]:
    """The feature step alone, in memory, beside pandas and polars."""
    stages = Stages(corpus.folder, work)
    day = stages.days[0]
    events = list(stages.lake.read(catalog.RAW_WS_EVENTS, day).batches())
    walked = [batch.select(list(EVENT_COLUMNS)) for batch in events]
    games = stages.lake.read(catalog.EPISODES, day).to_arrow()
    frames = frames_of(events)

    def own() -> int:
        return sum(batch.num_rows for batch in observations_of(walked, games))

    parts = {
        "pandas groupby.ffill": lambda: with_pandas(frames),
        "polars over()": lambda: with_polars(frames),
        "observations_of": own,
    }
    found = measure(parts, rounds)
    reference: Measured = found["pandas groupby.ffill"]
    return [row_of(one, FEATURES, reference=reference) for one in found.values()]


def growth_rows(work: Path, rounds: int) -> list[dict[str, object]]:
    """One date in stores of several sizes; a round takes a second, so there may be many."""
    stores = growth.growth(work, rounds)
    fewest = stores[min(stores)]
    return [
        row_of(one, f"{GROWTH} of {size} dates", reference=reference)
        for size, found in stores.items()
        for one, reference in zip(found, fewest, strict=True)
    ]


def dagster_overhead(corpus: Corpus, work: Path) -> float:
    """Seconds that the job with all checks takes for a date beyond the stages themselves."""
    chain = Chain(corpus.folder, work)
    chain.forget()
    return round(chain.overhead(), 2)


if __name__ == "__main__":
    sys.exit(main())
