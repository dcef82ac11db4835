"""What one date costs in a store of 10, 100 and 400 dates: it should cost the same.

The store is filled with copies of one small date, so that its tables, their logs and the landing
folder have as many dates, files and sessions as a year of captures. Then one date is made anew, and
what is asked of the whole store (the log, the counts that the UI shows, a look at the folder).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from benchmarks.measuring import Measured, measure
from benchmarks.stages import KEY, Stages
from rugs_assets.domain.simulator import Plan, write_simulation
from rugs_assets.lake import catalog
from rugs_assets.lake.landing import Landing
from rugs_assets.lake.tables import Lake, Provenance

SIZES = (10, 100, 400)
_FIRST = date(2024, 1, 1)
_TABLES = (
    catalog.REJECTED_INPUT,
    catalog.RAW_WS_EVENTS,
    catalog.EPISODES,
    catalog.OBSERVATIONS,
    catalog.ALIGNED_SAMPLES,
    catalog.UNALIGNED_ACTIONS,
    catalog.TRAINING_SHARDS,
)


def growth(folder: Path, rounds: int, sizes: tuple[int, ...] = SIZES) -> dict[int, list[Measured]]:
    """Store size in dates -> what one date costs in it.

    Args:
        folder: an empty one.
        rounds: interleaved repetitions at each size.
        sizes: in dates, ascending.
    """
    made = folder / "made"
    captures = made / "captures"
    write_simulation(Plan(days=1, games_per_day=10), captures, truth=None)
    stages = Stages(captures, made / "work")
    stages.all()
    stores: dict[int, Stages] = {}
    count = 1
    for size in sizes:
        for number in range(count, size):
            _copy_date(stages.lake, stages.days[0], _FIRST + timedelta(days=number))
            _copy_capture(captures, number)
        count = size
        Landing(captures, made / "work" / "store" / "_landing", KEY).refresh()
        copied = shutil.copytree(made, folder / str(size))
        stores[size] = Stages(copied / "captures", copied / "work")
    # All sizes in turn in each round: what else the machine does then meets them alike.
    parts = {
        f"{size} {name}": part
        for size, store in stores.items()
        for name, part in _parts(store).items()
    }

    def forget() -> None:
        # A date that is there already would not be committed: it is emptied before each round.
        for store in stores.values():
            _forget(store.lake, store.days[-1])

    found: dict[int, list[Measured]] = {size: [] for size in sizes}
    for name, measured in measure(parts, rounds, forget).items():
        of_size, _, measured.name = name.partition(" ")
        found[int(of_size)].append(measured)
    return found


def _parts(stages: Stages) -> dict[str, Callable[[], int]]:
    landing = stages.work / "store" / "_landing"

    def one_date() -> int:
        # What a run does: the folder looked at, one date of seven tables made and committed.
        inventory = Landing(stages.captures, landing, KEY).refresh()
        stages.__dict__["inventory"] = inventory
        return sum(
            stage(stages.days[-1])
            for stage in (
                stages.raw_ws_events,
                stages.episodes,
                stages.observations,
                stages.aligned_samples,
                stages.training_shards,
            )
        )

    def ui() -> int:
        return sum(sum(stages.lake.row_counts(table).values()) for table in _TABLES)

    def provenance() -> int:
        day = stages.days[-1]
        return sum(stages.lake.provenance(table, day) is not None for table in _TABLES)

    return {
        "look at the folder": lambda: len(Landing(stages.captures, landing, KEY).refresh().days),
        "one date, all stages": one_date,
        "row counts of the UI": ui,
        "provenance of a date": provenance,
    }


def _forget(lake: Lake, day: date) -> None:
    """Empty a date of every table."""
    for table in _TABLES:
        lake.replace(table, day, (), Provenance("growth", "growth", "growth"))


def _copy_date(lake: Lake, source: date, day: date) -> None:
    for table in _TABLES:
        rows = lake.read(table, source).batches()
        lake.replace(table, day, rows, Provenance("growth", "growth", "growth"))


def _copy_capture(captures: Path, number: int) -> None:
    """One more session: the games of the date again, under another date's ids."""
    original = next(path for path in sorted(captures.rglob("*.jsonl")) if "copy" not in path.name)
    day = _FIRST + timedelta(days=number)
    text = original.read_bytes()[:200_000].rpartition(b"\n")[0] + b"\n"
    target = captures / "copies" / f"{day}-copy.jsonl"
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(text.replace(b"20251215-", day.strftime("%Y%m%d-").encode()))
