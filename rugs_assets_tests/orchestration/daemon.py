"""A real daemon over a project of a test's own: started, waited for, stopped."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from rugs_assets_tests.orchestration.conftest import Project

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]
DEFINITIONS = """
from rugs_assets.lake.due import Patience
from rugs_assets.orchestration.automation import Policy
from rugs_assets.orchestration.build import build_defs

defs = build_defs(
    policy=Policy(
        settle_seconds={settle},
        look_seconds=5,
        sensor_seconds=5,
        backfill_cron="* * * * *",
        patience=Patience(wait_seconds=20),
    )
)
"""


class Impatient(AssertionError):
    """What was waited for did not come about in time."""


def environment(project: Project, folder: Path, **more: str) -> dict[str, str]:
    """The environment of a command over a project, with the test's definitions importable."""
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    root = str(Path(__file__).resolve().parents[2])
    return {**keep, **project.environment, "PYTHONPATH": f"{root}:{folder}", **more}


def write_definitions(folder: Path, *, settle: float = 3) -> str:
    """A module with the graph whose automation is in a hurry; its name."""
    (folder / "hurried_defs.py").write_text(DEFINITIONS.format(settle=settle))
    return "hurried_defs"


def command(project: Project, folder: Path, *words: str, **more: str) -> str:
    """A command of this Python that must succeed; what it printed."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=environment(project, folder, **more),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, f"{words}: {done.stdout}\n{done.stderr}"
    return done.stdout


@dataclass
class Daemon:
    """A daemon that runs."""

    process: subprocess.Popen[bytes]
    log: Path

    def kill(self) -> None:
        """As when the machine loses power: the daemon, its code server and its runs at once."""
        os.killpg(self.process.pid, signal.SIGKILL)  # its own session: nothing else is in it
        self.process.wait(timeout=60)


@contextmanager
def running_daemon(project: Project, folder: Path, *graph: str, **more: str) -> Iterator[Daemon]:
    """A daemon, stopped afterwards; one that ends by itself is an error.

    Args:
        project: its settings.
        folder: where it works and writes its log.
        graph: the options that name the graph. A backfill is of a code location: the daemon must
            know it by the same name.
        more: of the environment.
    """
    log = folder / "daemon.log"
    with log.open("ab") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "dagster._daemon", "run", *graph],
            cwd=folder,
            env=environment(project, folder, **more),
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    daemon = Daemon(process, log)
    try:
        yield daemon
        assert process.poll() in (None, -signal.SIGKILL), log.read_text()[-2_000:]
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                daemon.kill()


def wait_for(what: str, is_so: Callable[[], bool], *, seconds: float, every: float = 1.0) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise Impatient(f"not within {seconds:g} s: {what}")
        time.sleep(every)


def unfinished(instance: dg.DagsterInstance) -> int:
    return instance.get_runs_count(dg.RunsFilter(statuses=UNFINISHED))


def why_failed(instance: dg.DagsterInstance) -> list[str]:
    """For every run that failed its date, and what it said."""
    failed = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
    return [
        f"{run.tags.get('dagster/partition')}: {event.message} ... {_told_by(event)}"
        for run in failed
        for entry in instance.all_logs(run.run_id)
        if (event := entry.dagster_event) is not None and event.is_failure
    ]


def _told_by(event: dg.DagsterEvent) -> str:
    return str(event.event_specific_data)
