"""`make run`: every date found in the captures, through all five assets, with a summary.

The same job as in the UI and the schedule, executed in this process, one date after the other,
each as a Dagster run of its own. The exit status is 1 when a date failed or one of its blocking
checks did.
"""

import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from rugs_assets.domain.simulator import Faults, Payload, Plan, write_simulation
from rugs_assets.lake.bucket import is_url
from rugs_assets.lake.errors import LakeError
from rugs_assets.lake.landing import Inventory, Landing
from rugs_assets.orchestration.automation import JOB_NAME
from rugs_assets.orchestration.build import build_defs
from rugs_assets.orchestration.instance import open_instance, prepare_home
from rugs_assets.orchestration.partitions import capture_dates
from rugs_assets.orchestration.resources import CapturesResource
from rugs_assets.orchestration.summary import DateOutcome, outcome_of, show
from rugs_assets.settings import Settings, SettingsError

_COLUMNS = 110  # what the table needs; a narrower terminal wraps it
_SPINNER = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
_BAR = (*_SPINNER, BarColumn(), DownloadColumn())
_GAMES = (*_SPINNER, BarColumn(), MofNCompleteColumn())
SIMULATED = Plan(
    start=date(2025, 12, 15),
    days=3,
    sessions=2,
    players=1,
    games_per_day=60,
    payload=Payload.LEAN,
    faults=Faults.usual(),
)
"""What is simulated where there is no capture: enough to train a first policy on in a minute."""
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class NoCapture(Exception):
    """The folder of the captures holds something else."""


def main() -> int:
    """Run everything and print what came of it.

    Returns:
        The exit status: 0 when every date is whole, 1 when one is not, 2 when nothing could be run.
    """
    columns = max(_COLUMNS, shutil.get_terminal_size().columns)
    console = Console(highlight=False, width=columns)
    try:
        settings = Settings.from_environment()
        prepare_home(settings)
        inventory = captures_in(settings, console)
        found = inventory.days
    except (SettingsError, NoCapture, LakeError, OSError) as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        return 2
    partitions = set(capture_dates(settings.start_date).get_partition_keys())
    days = [day for day in found if day.isoformat() in partitions]
    outcomes = list(materialize(settings, days, console))
    for day in sorted({*found} - {*days}):
        console.print(
            f"{day} is left out: dates start at RUGS_START_DATE, {settings.start_date},"
            " and end yesterday (UTC)"
        )
    show(outcomes, inventory, settings, console)
    if not outcomes:
        return 2
    return 0 if all(outcome.ok for outcome in outcomes) and not inventory.unreadable else 1


def captures_in(settings: Settings, console: Console) -> Inventory:
    """What lies in the capture folder, decoded; simulated first where nothing lies there.

    Raises:
        NoCapture: Other files lie there, or it is an empty bucket: none to write into.
        CapturesRefused, CapturesUnreached: A bucket cannot be read.
    """
    landing = CapturesResource.of(settings).open()
    inventory = decoded(landing, console)
    if inventory.unrecognised and not inventory.files:
        raise NoCapture(
            f"{settings.captures} (RUGS_CAPTURES) holds files, such as {inventory.unrecognised[0]},"
            " but no capture. Name the folder of your captures, or an empty one to have some"
            " simulated."
        )
    if not inventory.files and not inventory.unreadable:
        if is_url(settings.captures):
            raise NoCapture(
                f"{settings.captures} (RUGS_CAPTURES) holds no capture; is it the place?"
            )
        console.print(
            f"No capture in {settings.captures} (RUGS_CAPTURES):"
            " simulating three dates of 60 games into it."
        )
        simulate_into(settings, console)
        inventory = decoded(landing, console)
    return inventory


def decoded(landing: Landing, console: Console) -> Inventory:
    """The landing brought up to date, with progress."""
    with _progress(console, _BAR) as progress:
        task = progress.add_task("Decoding captures", total=None)
        return landing.refresh(
            lambda at: progress.update(task, total=at.total_bytes, completed=at.done_bytes)
        )


def simulate_into(settings: Settings, console: Console) -> None:
    """Captures for a machine that has none, as `SIMULATED` says, from the first date on."""
    plan = replace(SIMULATED, start=max(settings.start_date, SIMULATED.start))
    with _progress(console, _GAMES) as progress:
        task = progress.add_task("Simulating games", total=None)
        write_simulation(
            plan,
            Path(settings.captures),
            truth=None,
            progress=lambda at: progress.update(task, total=at.of, completed=at.games),
        )


def materialize(
    settings: Settings, days: Sequence[date], console: Console
) -> Iterator[DateOutcome]:
    """All assets and checks of each date, oldest first; a date that fails stops no other."""
    job = build_defs(settings=settings).resolve_job_def(JOB_NAME)
    with open_instance() as instance:
        for number, day in enumerate(days, start=1):
            text = f"Materializing {day} ({number} of {len(days)})"
            with _progress(console, _SPINNER) as progress:
                progress.add_task(text, total=None)
                result = job.execute_in_process(
                    instance=instance,
                    partition_key=day.isoformat(),
                    run_config=_QUIET,
                    raise_on_error=False,
                )
            yield outcome_of(day, result)


def _progress(console: Console, columns: tuple[ProgressColumn, ...]) -> Progress:
    """A line that goes away again; none where nobody watches."""
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


if __name__ == "__main__":
    sys.exit(main())
