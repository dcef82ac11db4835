"""Backfills through a real daemon that is killed on the way (`make test-soak`)."""

import json
import shutil
from pathlib import Path

import dagster as dg
import pytest

from rugs_assets.orchestration.automation import JOB_NAME, NEWEST_DATE, REASON_TAG
from rugs_assets.orchestration.instance import open_instance
from rugs_assets.orchestration.stages import STAGES
from rugs_assets_tests.orchestration.conftest import FIRST, SECOND, Project
from rugs_assets_tests.orchestration.daemon import (
    command,
    running_daemon,
    unfinished,
    wait_for,
    why_failed,
    write_definitions,
)
from rugs_assets_tests.orchestration.ticks import digests_of

pytestmark = pytest.mark.soak

BROKEN = "2025-12-17"
GRAPHQL = "from dagster_graphql.cli import main; main()"
LAUNCH = """
mutation Launch($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""


def succeeded(instance: dg.DagsterInstance) -> int:
    return instance.get_runs_count(dg.RunsFilter(statuses=[dg.DagsterRunStatus.SUCCESS]))


def outcomes(
    instance: dg.DagsterInstance, project: Project, *, limit: int = 20
) -> dict[str, set[str | None]]:
    """Check -> the dates that it was evaluated for."""
    checks = project.defs().resolve_asset_graph().asset_check_keys - {NEWEST_DATE}
    history = instance.event_log_storage.get_asset_check_execution_history
    return {
        check.to_user_string(): {
            record.partition
            for record in history(check, limit=limit)
            if record.evaluation is not None
        }
        for check in checks
    }


def test_a_killed_daemon_goes_on_and_a_failure_stays_with_its_date(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the command line, then what the UI's button launches (GraphQL) for what failed."""
    captures = project.root / "captures"
    shutil.copytree(project.settings.captures, captures)
    cut_off = captures / f"date={BROKEN}" / "cut_off.parquet"
    cut_off.parent.mkdir()
    cut_off.write_bytes(b"PAR1 and no footer")
    monkeypatch.setenv("RUGS_CAPTURES", str(captures))
    project = Project(project.root, {**project.environment, "RUGS_CAPTURES": str(captures)})
    folder, dates = project.root, [FIRST, SECOND, BROKEN]
    workspace = folder / "workspace.yaml"
    workspace.write_text((Path(__file__).resolve().parents[2] / "workspace.yaml").read_text())
    where = ("-w", str(workspace))
    job = ("-m", "dagster", "job", "backfill", *where, "-j", "training_data", "--noprompt")
    with open_instance() as instance:
        with running_daemon(project, folder, *where) as daemon:
            command(project, folder, *job, "--from", FIRST, "--to", BROKEN)
            wait_for("a date is done", lambda: succeeded(instance) > 0, seconds=600)
            daemon.kill()
        shards = dg.AssetKey("training_shards")
        with running_daemon(project, folder, *where):
            # The queue goes on; the run that was killed is missed and ends as failed.
            wait_for("nothing runs", lambda: unfinished(instance) == 0, seconds=600, every=3)
            made = set(instance.get_materialized_partitions(shards))
            assert FIRST in made
            assert BROKEN not in made
            failed = "".join(why_failed(instance))
            assert "cut_off.parquet: cannot be opened" in failed
            assert "its code server is gone" in failed

            shutil.rmtree(cut_off.parent)
            wanted = {
                "assetSelection": [{"path": [stage.name]} for stage in STAGES],
                "partitionNames": [SECOND, BROKEN],
            }
            asked = ("-t", LAUNCH, "-v", json.dumps({"params": wanted}))
            said = command(project, folder, "-c", GRAPHQL, *where, *asked)
            assert "LaunchBackfillSuccess" in said
            wait_for(
                "the dates are there",
                lambda: set(dates) == set(instance.get_materialized_partitions(shards)),
                seconds=600,
            )
            wait_for("nothing runs", lambda: unfinished(instance) == 0, seconds=300)
        assert all(found == set(dates) for found in outcomes(instance, project).values())


def started(instance: dg.DagsterInstance) -> set[str]:
    """Runs of dates that Dagster takes for running."""
    running = dg.RunsFilter(job_name=JOB_NAME, statuses=[dg.DagsterRunStatus.STARTED])
    return {run.run_id for run in instance.get_runs(running)}


def test_the_schedule_takes_up_the_dates_that_a_power_cut_left_behind(project: Project) -> None:
    """No backfill and nobody who asks again: sensor off, the schedule alone, nothing but rows."""
    folder = project.root
    module = write_definitions(folder)
    shards = dg.AssetKey("training_shards")
    with open_instance() as instance:
        switch = ("-m", "dagster", "schedule", "start")
        for name in ("decode_captures_hourly", "training_data_backfill"):
            command(project, folder, *switch, name, "-m", module)
        decode = ("job", "execute", "-j", "decode_captures", "-m", module)
        command(project, folder, "-m", "dagster", *decode)
        with running_daemon(project, folder, "-m", module) as daemon:
            wait_for("a date is at work", lambda: bool(started(instance)), seconds=600, every=0.1)
            daemon.kill()
        left = started(instance)
        assert left  # Dagster still says that they run
        assert not set(instance.get_materialized_partitions(shards)) >= {FIRST, SECOND}
        with running_daemon(project, folder, "-m", module):
            wait_for(
                "both dates are there",
                lambda: set(instance.get_materialized_partitions(shards)) == {FIRST, SECOND},
                seconds=600,
            )
            wait_for("nothing runs", lambda: unfinished(instance) == 0, seconds=300)
        for run in map(instance.get_run_by_id, left):
            assert run is not None
            assert run.status is dg.DagsterRunStatus.FAILURE
            assert REASON_TAG in run.tags
        assert "its code server is gone" in "".join(why_failed(instance))
    undisturbed = {**project.environment, "RUGS_STORE": str(folder / "undisturbed")}
    alone = Project(folder, undisturbed)
    with dg.DagsterInstance.ephemeral() as memory:
        assert all(alone.run(day, memory).success for day in (FIRST, SECOND))
    assert digests_of(project) == digests_of(alone)
