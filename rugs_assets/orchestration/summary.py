"""The table that `make run` ends with: one line a date, where the rows lie and how to open them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import dagster as dg
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from rugs_assets.lake.landing import Inventory
from rugs_assets.settings import Settings

_ROWS = "dagster/partition_row_count"
_COLUMNS = {
    "sessions": ("raw_ws_events", "sessions"),
    "events": ("raw_ws_events", _ROWS),
    "rejected": ("raw_ws_events", "rejected_rows"),
    "games": ("episodes", _ROWS),
    "rows": ("observations", _ROWS),
    "samples": ("aligned_samples", _ROWS),
    "steps": ("training_shards", _ROWS),
    "shards": ("training_shards", "files"),
    "version": ("training_shards", "store_version"),
}
"""Column of the summary -> the asset and the metadata that it is read from."""

_HOW_TO_OPEN = """
The training data lies in {store}/training_shards (a Delta table). To open it:

  from rugs_assets.lake.catalog import TRAINING_SHARDS
  from rugs_assets.lake.tables import Lake
  frame = Lake("{store}").read(TRAINING_SHARDS).to_pandas()
"""


@dataclass(frozen=True, slots=True)
class DateOutcome:
    """What became of one date.

    Attributes:
        day: The date.
        ok: Every asset was written and no blocking check failed.
        counts: Numbers by column of the summary; what was not written is missing.
        passed: Checks that passed.
        failed: Checks that failed, blocking or not.
        version: Version of `training_shards` that holds the date; None when it was not written.
        problems: What went wrong, a line each.
    """

    day: date
    ok: bool
    counts: Mapping[str, int]
    passed: int
    failed: int
    version: int | None
    problems: tuple[str, ...]


def outcome_of(day: date, result: dg.ExecuteInProcessResult) -> DateOutcome:
    """What a run of the job says about its date."""
    checks = result.get_asset_check_evaluations()
    told = {
        event.asset_key.to_user_string(): event.materialization.metadata
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None
    }
    counts: dict[str, int] = {}
    for column, (asset, key) in _COLUMNS.items():
        entry = told.get(asset, {}).get(key)
        if entry is not None and isinstance(entry.value, int):
            counts[column] = entry.value
    version = counts.pop("version", None)
    return DateOutcome(
        day=day,
        ok=result.success,
        counts=counts,
        passed=sum(check.passed for check in checks),
        failed=sum(not check.passed for check in checks),
        version=version,
        problems=tuple(_problems(result)),
    )


def show(
    outcomes: Sequence[DateOutcome], inventory: Inventory, settings: Settings, console: Console
) -> None:
    """Print the table, the problems, and how to open what was written."""
    if outcomes:
        console.print(_table(outcomes, settings))
    else:
        console.print(f"{settings.captures} (RUGS_CAPTURES) holds no date to materialize.")
    for outcome in outcomes:
        style = "yellow" if outcome.ok else "red"
        for problem in outcome.problems:
            console.print(f"{outcome.day}: {problem}", style=style, markup=False, soft_wrap=True)
    for file in inventory.unreadable:
        said = f"Cannot be opened: {file.path} in {settings.captures}: {file.problem}"
        console.print(said, style="red", markup=False, soft_wrap=True)
    for path in inventory.unrecognised:
        console.print(
            f"Not a capture, left alone: {path}", style="yellow", markup=False, soft_wrap=True
        )
    if any(outcome.version is not None for outcome in outcomes):
        console.print(_HOW_TO_OPEN.format(store=settings.store), markup=False, soft_wrap=True)


def _table(outcomes: Sequence[DateOutcome], settings: Settings) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), title_justify="left", title_style="bold")
    table.title = f"Store {settings.store}"
    table.add_column("date", no_wrap=True)
    columns = [column for column in _COLUMNS if column != "version"]
    for column in (*columns, "passed", "failed", "version"):
        table.add_column(column, justify="right", no_wrap=True)
    for outcome in outcomes:
        numbers = [f"{outcome.counts[c]:,}" if c in outcome.counts else "-" for c in columns]
        checks = (str(outcome.passed), str(outcome.failed))
        version = "-" if outcome.version is None else str(outcome.version)
        style = None if outcome.ok else "red"
        table.add_row(outcome.day.isoformat(), *numbers, *checks, version, style=style)
    return table


def _problems(result: dg.ExecuteInProcessResult) -> Iterator[str]:
    """Why steps failed and which checks did, in words."""
    for check in result.get_asset_check_evaluations():
        if not check.passed:
            asset = check.asset_key.to_user_string()
            yield f"check {check.check_name} of {asset}: {check.description}"
    for event in result.all_events:
        if event.is_step_failure and event.step_key is not None:
            error = event.step_failure_data.error
            cause = error.cause or error if error else None
            if cause is not None and "DagsterAssetCheckFailedError" not in str(cause.cls_name):
                kind, _, said = cause.message.strip().partition(": ")
                named = kind.endswith(str(cause.cls_name))  # the reader wants what went wrong
                yield f"{event.step_key}: {said if named else cause.message.strip()}"
