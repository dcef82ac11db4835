"""docs/performance.md out of the JSON of a run: `python -m benchmarks.report [JSON] [PAGE]`.

Nothing on the page is written by hand but `PROFILE`, which says where the time goes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.loader_targets import Row, Target, loader_targets
from benchmarks.rows import columns_of
from rugs_assets.lake.catalog import RAW_WS_EVENTS

BARE = "bare msgspec typed decode"
PLAN = "the plan, plainly"
CHAIN = "captures -> shards, all stages"
CHAIN_GROUP = "Stages"
FEATURES = "The feature step alone (in memory)"
GROWTH = "One date in a store"
PROCESSES = "Two dates on two cores"
LOOK = "look at the folder"
TINY = "The event store's tiny files"
MIB_A_DATE = 1024
GROWTH_ROUNDS = 3
"""Rounds of one date in a store, which are short, for each round of the rest."""
_AT_LEAST = 1.1
"""Of bare decode's time, what the bytes cost that are read and stored (`PROFILE` says of what)."""

_PAGE = Path("docs/performance.md")
_RESULT = Path("data/bench/bench.json")
_MEMORY = "memory.json"
_LOADER = "loader.json"

PROFILE = Path(__file__).with_name("profile.md")
_NAMED = {
    "chain": "captures -> shards beside bare typed decode",
    "plan": "captures -> shards beside the plan, plainly",
    "processes": "two processes on two dates",
    "tiny": "tiny files beside one file",
    "growth": "one date in 400 dates beside 10",
    "dagster": "Dagster and all checks, a date",
    "memory": "peak memory, 10 x beside 1 x",
}
_STAGES = {
    "decode": "decode captures",
    "events": "raw_ws_events",
    "episodes": "episodes",
    "observations": "observations",
    "samples": "aligned_samples",
    "shards": "training_shards",
}


def targets(result: dict[str, Any]) -> list[Target]:
    """All of them: those of the pipeline, of its memory and of the loader."""
    rows = result["rows"]

    def found(name: str, group: str) -> dict[str, Any]:
        return next(r for r in rows if r["name"] == name and r["group"].startswith(group))

    chain = found(CHAIN, CHAIN_GROUP)
    judged = [
        ("captures -> shards beside bare typed decode", ">= 0.7 x", chain["times"], 0.7),
        ("captures -> shards beside the plan, plainly", ">= 4 x", chain["times_plan"], 4.0),
    ]
    one, two = (row for row in rows if row["group"].startswith(PROCESSES))
    judged.append(("two processes on two dates", ">= 1.7 x", one["wall"] / two["wall"], 1.7))
    told = [(what, goal, f"{value:.2f} x", value >= bound) for what, goal, value, bound in judged]
    many, single = (row for row in rows if row["group"].startswith(TINY))
    ratio = many["cpu"] / single["cpu"]
    told.append(("tiny files beside one file", "<= 1.5 x", f"{ratio:.2f} x", ratio <= 1.5))
    dates = [r for r in rows if r["group"].startswith(GROWTH) and r["name"].startswith("one date")]
    if dates:
        grown = 1 / dates[-1]["times"]
        told.append(
            ("one date in 400 dates beside 10", "flat (<= 1.2 x)", f"{grown:.2f} x", grown <= 1.2)
        )
    seconds = result["dagster_seconds_a_date"]
    told.append(("Dagster and all checks, a date", "<= 4 s", f"{seconds} s", seconds <= 4))
    memory = result.get("memory")
    if memory:
        peak = max(memory["tenfold"].values())
        told.append(
            ("peak memory, 10 x a full day", "< 1 GiB", f"{peak:,.0f} MiB", peak < MIB_A_DATE)
        )
        times = peak / max(memory["full"].values())
        told.append(("peak memory, 10 x beside 1 x", "<= 1.2 x", f"{times:.2f} x", times <= 1.2))
    if loader := result.get("loader"):
        told += loader_targets(Row(**row) for row in loader["rows"])
    return told


def figures(result: dict[str, Any]) -> dict[str, str]:
    """What `PROFILE` may name in braces: the figures of this run, of its first corpus."""
    found = {what: value for what, _, value, _ in targets(result)}
    named = {name: found[what] for name, what in _NAMED.items() if what in found}
    first = next(r["group"] for r in result["rows"] if r["group"].startswith(CHAIN_GROUP))
    rows = {row["name"]: row for row in result["rows"] if row["group"] == first}
    whole_cpu = rows[CHAIN]["cpu"]
    for name, stage in _STAGES.items():
        row = rows.get(stage)
        named[name] = "-" if row is None else f"{row['cpu'] / whole_cpu:.0%}"
    named["columns"] = str(len(RAW_WS_EVENTS.schema))
    taken = 1 / rows[CHAIN]["times"]
    left, wanted = taken - _AT_LEAST, 1 / 0.7 - _AT_LEAST
    named |= {"taken": f"{taken:.1f}", "left": f"{left:.1f}", "over": f"{left / wanted:.1f}"}
    return dict.fromkeys([*_NAMED, "look"], "-") | named | _look(result)


def _look(result: dict[str, Any]) -> dict[str, str]:
    """What a look at the folder costs for each capture file more."""
    looks = [row for row in result["rows"] if row["name"] == LOOK]
    if len(looks) < 2:
        return {}
    few, many = looks[0], looks[-1]
    each = (many["cpu"] - few["cpu"]) / (many["counted"] - few["counted"])
    return {"look": f"{1_000 * each:.2f} ms"}


def whole(source: Path) -> dict[str, Any]:
    """A run's JSON, with the loader's and the memory's figures where they lie beside it."""
    result: dict[str, Any] = json.loads(source.read_text())
    for key, name in (("memory", _MEMORY), ("loader", _LOADER)):
        beside = source.with_name(name)
        if beside.exists():
            result[key] = json.loads(beside.read_text())
    return result


def page(result: dict[str, Any]) -> str:
    """The whole page."""
    return "\n".join(_lines(result)).rstrip() + "\n"


def _lines(result: dict[str, Any]) -> Iterator[str]:
    machine = result["machine"]
    yield "# Performance"
    yield ""
    yield (
        "Made by `python -m benchmarks.report` from the JSON that `make bench` writes; to have it"
        " for your machine, run both. Trust the ratios: absolute figures belong to a machine."
    )
    yield ""
    yield "## How these figures were taken"
    yield ""
    yield (
        f"{machine['taken_at']}, {machine['processor']}, {machine['cores']} cores,"
        f" {machine['memory_gib']} GiB, {machine['system']}, Python {machine['python']};"
        f" load averages at the start {machine['load_at_start']}. "
        + ", ".join(f"{name} {number}" for name, number in machine["libraries"].items())
        + "."
    )
    yield ""
    yield (
        f"{result['rounds']} interleaved rounds, {GROWTH_ROUNDS * result['rounds']} of one date"
        " in a store; seconds are the median CPU time (user + system) of a part, spread is"
        " (greatest - least) / median, and a ratio is the median of the ratios within each round."
        " The clock is shown beside it: it also tells of others who"
        " used the machine. The loader's figures are those of a process that `make bench` starts"
        " last, the memory of a date those of `make test-memory`."
    )
    yield ""
    for name, corpus in result["corpora"].items():
        told = ", ".join(f"{key.replace('_', ' ')} {value:,}" for key, value in corpus.items())
        yield f"- {name}: {told}."
    yield ""
    yield "## Targets"
    yield ""
    yield "| what | target | found | |"
    yield "|---|---|---|---|"
    for what, goal, value, met in targets(result):
        yield f"| {what} | {goal} | {value} | {'met' if met else '**missed**'} |"
    yield ""
    yield from _tables(result)
    yield from _memory(result)
    yield from _loader(result)
    if PROFILE.exists():
        yield PROFILE.read_text().format_map(figures(result)).rstrip()


def _tables(result: dict[str, Any]) -> Iterator[str]:
    groups = dict.fromkeys(row["group"] for row in result["rows"])
    for group in groups:
        yield f"## {group}"
        yield ""
        names = list(columns_of({}))
        yield "| part | " + " | ".join(names) + " |"
        yield "|---|" + "---:|" * len(names)
        for row in result["rows"]:
            if row["group"] == group:
                yield f"| {row['name']} | " + " | ".join(columns_of(row).values()) + " |"
        yield ""


def _memory(result: dict[str, Any]) -> Iterator[str]:
    memory = result.get("memory")
    if not memory:
        return
    yield "## Memory of a date"
    yield ""
    yield (
        f"Resident memory at its peak in each stage, MiB, of a process of its own (`make"
        f" test-memory`): a full day ({memory['events']:,} events) and ten times as much."
    )
    yield ""
    yield "| stage | a full day | ten times as much |"
    yield "|---|---:|---:|"
    for name, mib in memory["full"].items():
        yield f"| {name} | {mib:,.0f} | {memory['tenfold'][name]:,.0f} |"
    yield ""


def _loader(result: dict[str, Any]) -> Iterator[str]:
    loader = result.get("loader")
    if not loader:
        return
    yield "## The loader"
    yield ""
    yield f"Taken at {loader['taken_at']}, in a process of its own."
    yield ""
    yield "| group | who | a second (or seconds) | spread |"
    yield "|---|---|---:|---:|"
    for row in loader["rows"]:
        yield f"| {row['group']} | {row['name']} | {row['value']:,.4g} | {row['spread']:.0%} |"
    yield ""


def main() -> int:
    """Write the page."""
    given = [Path(argument) for argument in sys.argv[1:]]
    source, target = [*given, *(_RESULT, _PAGE)[len(given) :]]
    target.write_text(page(whole(source)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
