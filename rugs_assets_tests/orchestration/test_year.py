"""A year, date by date, through a real daemon that is killed on the way (`make test-year`)."""

import json
import logging
import os
import time
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus

from rugs_assets.domain.simulator import Payload, Plan, write_simulation
from rugs_assets.orchestration.instance import open_instance
from rugs_assets.orchestration.stages import STAGES
from rugs_assets_tests.orchestration.conftest import Project
from rugs_assets_tests.orchestration.daemon import (
    command,
    running_daemon,
    unfinished,
    wait_for,
    why_failed,
)
from rugs_assets_tests.orchestration.test_backfills import GRAPHQL, LAUNCH, outcomes

pytestmark = pytest.mark.year
log = logging.getLogger(__name__)

START = date(2024, 12, 16)
DAYS = int(os.environ.get("RUGS_TEST_DAYS", "365"))
"""A shorter year, to see that the test itself is right."""
DATES = [str(START + timedelta(days=each)) for each in range(DAYS)]
BROKEN = DATES[DAYS // 2]
POWER_CUT_AFTER = DAYS // 9  # dates
AT_ONCE = 2  # max_concurrent_runs of dagster.yaml
HOURS = 3 * 3_600.0
SHARDS = dg.AssetKey("training_shards")
OVER = {BulkActionStatus.COMPLETED_SUCCESS, BulkActionStatus.COMPLETED_FAILED}


class Year:
    """The project's captures of a year, and what becomes of them."""

    def __init__(self, project: Project, instance: dg.DagsterInstance) -> None:
        self.project = project
        self.instance = instance
        self.workspace = project.root / "workspace.yaml"
        root = Path(__file__).resolve().parents[2]
        self.workspace.write_text((root / "workspace.yaml").read_text())

    @property
    def where(self) -> tuple[str, str]:
        return ("-w", str(self.workspace))

    def launch(self, dates: list[str]) -> str:
        """What "Materialize all..." launches; the id of the backfill."""
        wanted = {
            "assetSelection": [{"path": [stage.name]} for stage in STAGES],
            "partitionNames": dates,
        }
        asked = ("-t", LAUNCH, "-v", json.dumps({"params": wanted}))
        said = command(self.project, self.project.root, "-c", GRAPHQL, *self.where, *asked)
        launched = json.loads(said.splitlines()[-1])["data"]["launchPartitionBackfill"]
        assert launched["__typename"] == "LaunchBackfillSuccess", said
        return str(launched["backfillId"])

    def made(self) -> set[str]:
        return set(self.instance.get_materialized_partitions(SHARDS))

    def failed(self) -> list[str]:
        """The dates whose runs failed, in order."""
        runs = self.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
        return sorted({run.tags["dagster/partition"] for run in runs})

    def is_at_work(self) -> bool:
        """Whether a run makes a date this moment."""
        started = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])
        return self.instance.get_runs_count(started) > 0

    def wait(self, backfill: str) -> BulkActionStatus:
        """Wait for the end of a backfill, telling how far it is."""
        begun, told = time.monotonic(), -1

        def is_over() -> bool:
            nonlocal told
            if len(self.made()) // 10 != told:
                told = len(self.made()) // 10
                log.info("%d dates after %.0f s", len(self.made()), time.monotonic() - begun)
            found = self.instance.get_backfill(backfill)
            return found is not None and found.status in OVER and unfinished(self.instance) == 0

        wait_for("the backfill is over", is_over, seconds=HOURS, every=5)
        found = self.instance.get_backfill(backfill)
        assert found is not None
        return found.status


def spans(instance: dg.DagsterInstance) -> dict[str, list[tuple[float, float]]]:
    """Date -> when its runs began and ended [s]; only those that began."""
    found: dict[str, list[tuple[float, float]]] = {}
    for record in instance.get_run_records():
        day = record.dagster_run.tags.get("dagster/partition")
        if day is not None and record.start_time is not None and record.end_time is not None:
            found.setdefault(day, []).append((record.start_time, record.end_time))
    return found


def most_at_once(runs: Sequence[tuple[float, float]]) -> int:
    """How many of some runs ran at the same time at most."""
    steps = sorted([(start, 1) for start, _ in runs] + [(end, -1) for _, end in runs])
    running, most = 0, 0
    for _, step in steps:
        running += step
        most = max(most, running)
    return most


def test_a_year_through_the_daemon(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """365 dates at a click: a power cut, one bad date, and every date's checks are its own."""
    captures = project.root / "captures"
    plan = Plan(
        start=START, days=DAYS, sessions=1, players=1, games_per_day=1, payload=Payload.LEAN
    )
    write_simulation(plan, captures, truth=None)
    cut_off = captures / f"date={BROKEN}" / "cut_off.parquet"
    cut_off.parent.mkdir()
    cut_off.write_bytes(b"PAR1 and no footer")
    named = {"RUGS_CAPTURES": str(captures), "RUGS_START_DATE": str(START)}
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    project = Project(project.root, {**project.environment, **named})
    with open_instance() as instance:
        year = Year(project, instance)
        with running_daemon(project, project.root, *year.where) as daemon:
            first = year.launch(DATES)
            wait_for("dates", lambda: len(year.made()) >= POWER_CUT_AFTER, seconds=HOURS, every=3)
            wait_for("a run is at work", year.is_at_work, seconds=600, every=0.2)
            daemon.kill()
        with running_daemon(project, project.root, *year.where):
            assert year.wait(first) is BulkActionStatus.COMPLETED_FAILED
            missing = year.failed()
            assert BROKEN in missing
            assert 1 < len(missing) <= 1 + AT_ONCE, "the bad one, and what ran when the power went"
            assert set(DATES) - year.made() <= set(missing)
            said = "".join(why_failed(instance))
            assert "cut_off.parquet: cannot be opened" in said
            assert "its code server is gone" in said

            cut_off.unlink()
            assert year.wait(year.launch(missing)) is BulkActionStatus.COMPLETED_SUCCESS
        assert year.made() == set(DATES)
        judged = outcomes(instance, project, limit=2 * DAYS)
        assert all(dates == set(DATES) for dates in judged.values())
        ran = spans(instance)
    again = Counter({day: len(runs) for day, runs in ran.items() if len(runs) > 1})
    assert set(again) <= set(missing), "a date is made once"
    for day, runs in ran.items():
        assert all(end <= start for (_, end), (start, _) in pairwise(sorted(runs))), day
    every = [run for runs in ran.values() for run in runs]
    assert most_at_once(every) <= AT_ONCE
    each = sorted(end - start for start, end in every)
    log.info("%d runs, the median took %.1f s", len(each), each[len(each) // 2])
