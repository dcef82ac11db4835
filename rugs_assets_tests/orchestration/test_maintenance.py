"""Maintenance: what is old goes, what a date's state, a release or a running writer needs stays."""

import json
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from rugs_assets.lake.catalog import EPISODES, RAW_WS_EVENTS
from rugs_assets.lake.errors import LakeBusy, SchemaMismatch, WriteFailed
from rugs_assets.lake.tables import Lake
from rugs_assets.lake.transient import is_transient
from rugs_assets.orchestration import pictures
from rugs_assets.orchestration.automation import NEWEST_DATE, Policy
from rugs_assets.orchestration.build import build_defs
from rugs_assets.orchestration.instance import open_instance
from rugs_assets.orchestration.retries import TRIES_AGAIN, retrying_transient_faults
from rugs_assets.orchestration.run_purge import Purged, days_ago, purge_runs
from rugs_assets.orchestration.stages import STAGES
from rugs_assets_tests.orchestration.conftest import FIRST, SECOND, Project

AT_ONCE = {
    "purge_history": {"config": {"keep_runs_days": 0, "keep_service_days": 0}},
    "tidy_store": {"config": {"retention_hours": 0}},
    "tidy_captures": {"config": {"keep_hours": 0}},
}


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    for drawn in ("of_observations", "of_shards"):
        monkeypatch.setattr(pictures, drawn, lambda day: {})


def told(result: dg.ExecuteInProcessResult, op: str) -> dict[str, object]:
    """The metadata of an op's output."""
    (event,) = [e for e in result.all_events if e.is_successful_output and e.step_key == op]
    return {key: entry.value for key, entry in event.step_output_data.metadata.items()}


def test_maintenance_leaves_what_is_needed(project: Project, instance: dg.DagsterInstance) -> None:
    superseded = project.run(FIRST, instance).run_id
    strict = {"min_ticks": 100_000}
    assert project.materialize("episodes", FIRST, instance, strict).success
    assert project.run(FIRST, instance).success
    last = project.run(SECOND, instance).run_id
    running = instance.create_run_for_job(
        project.defs().resolve_job_def("training_data"),
        tags={"dagster/partition": SECOND},
        status=dg.DagsterRunStatus.STARTED,
    )
    before = project.lake.read(EPISODES).to_arrow()

    job = project.defs().resolve_job_def("maintenance")
    dry = {op: {"config": {**said["config"], "dry_run": True}} for op, said in AT_ONCE.items()}
    result = job.execute_in_process(instance=instance, run_config={"ops": dry})
    assert told(result, "purge_history")["deleted"] == 2
    assert told(result, "tidy_store")["episodes"] == 1
    assert instance.has_run(superseded)

    result = job.execute_in_process(instance=instance, run_config={"ops": AT_ONCE})
    assert result.success
    assert told(result, "purge_history") == {
        "deleted": 3,  # and the run that only told
        "kept_as_last_state": 2,
        "dry_run": False,
    }
    assert told(result, "tidy_store")["episodes"] == 1
    assert told(result, "tidy_captures")["removed"] == 0

    assert not instance.has_run(superseded)
    assert instance.has_run(last)
    assert instance.has_run(running.run_id)
    assert project.lake.read(EPISODES).to_arrow() == before
    for stage in STAGES:
        key = dg.AssetKey(stage.name)
        assert set(instance.get_materialized_partitions(key)) == {FIRST, SECOND}
    for check in project.defs().resolve_asset_graph().asset_check_keys - {NEWEST_DATE}:
        history = instance.event_log_storage.get_asset_check_execution_history(check, limit=20)
        assert {record.partition for record in history} == {FIRST, SECOND}
        assert superseded not in {record.run_id for record in history}


def test_the_database_that_sqlite_keeps_for_a_run_goes_with_it(project: Project) -> None:
    with open_instance() as instance:
        old, new = (
            instance.create_run_for_job(
                project.defs().resolve_job_def("decode_captures"), status=status
            )
            for status in (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.STARTED)
        )
        for run in (old, new):
            instance.report_engine_event("said something", run)
        databases = project.settings.dagster_home / "data/dagster/history/runs"
        assert (databases / f"{old.run_id}.db").exists()
        done = purge_runs(instance, older_than=days_ago(-1))
        assert done == Purged(frozenset({old.run_id}), 0)
        assert not list(databases.glob(f"{old.run_id}*"))
        assert (databases / f"{new.run_id}.db").exists()
        assert [run.run_id for run in instance.get_runs()] == [new.run_id]


def test_captures_that_are_not_there_cost_no_decoded_copy(
    project: Project, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoding = project.defs().resolve_job_def("decode_captures")
    assert decoding.execute_in_process(instance=instance).success
    kept = sorted(project.settings.landing_cache.glob("*.parquet"))
    assert kept
    monkeypatch.setenv("RUGS_CAPTURES", str(project.root / "unmounted"))
    gone = Project(
        project.root, {**project.environment, "RUGS_CAPTURES": str(project.root / "unmounted")}
    )
    job = gone.defs().resolve_job_def("maintenance")
    ops = {"tidy_captures": AT_ONCE["tidy_captures"]}
    for _ in range(2):
        assert job.execute_in_process(
            instance=instance, op_selection=["tidy_captures"], run_config={"ops": ops}
        ).success
    assert sorted(project.settings.landing_cache.glob("*.parquet")) == kept
    refused = gone.defs().resolve_job_def("decode_captures")
    result = refused.execute_in_process(instance=instance, raise_on_error=False)
    assert not result.success


def test_the_newest_date_is_asked_for_when_its_deadline_has_passed(
    project: Project, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def verdict(now: datetime) -> tuple[bool, str]:
        policy = Policy(clock=lambda: now.timestamp())
        defs = build_defs(settings=project.settings, policy=policy)
        result = defs.resolve_job_def("check_newest_date").execute_in_process(instance=instance)
        (found,) = result.get_asset_check_evaluations()
        return found.passed, str(found.metadata["expected"].value)

    stored = {project.date(FIRST): 478, project.date(SECOND): 0}
    monkeypatch.setattr(Lake, "row_counts", lambda self, table: stored)
    assert verdict(datetime(2025, 12, 16, 4, tzinfo=UTC)) == (True, FIRST)
    assert verdict(datetime(2025, 12, 17, 2, tzinfo=UTC)) == (True, FIRST)  # an hour to go
    assert verdict(datetime(2025, 12, 17, 4, tzinfo=UTC)) == (False, SECOND)


# Dagster makes the handlers of dagster.yaml anew whenever it asks for them, and closes none.
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_runs_log_json_lines_when_dagster_yaml_says_so(
    project: Project, project_root: Path
) -> None:
    """The block of dagster.yaml as it stands there, but for the place of the file."""
    text = (project_root / "dagster.yaml").read_text()
    start = text.index("# python_logs:")
    block = text[start : text.index("\n\n", start)]
    lines = project.root / "runs.jsonl"
    chosen = "\n".join(line[2:] for line in block.splitlines())
    assert "/var/log/rugs_assets/runs.jsonl" in chosen
    config = project.settings.dagster_home / "dagster.yaml"
    config.write_text(text + "\n" + chosen.replace("/var/log/rugs_assets/runs.jsonl", str(lines)))
    with pytest.warns(dg.BetaWarning, match="yaml-defined logging"), open_instance() as instance:
        run = project.materialize("raw_ws_events", FIRST, instance)
    logged = [json.loads(line) for line in lines.read_text().splitlines()]
    assert {(line["run_id"], line["date"]) for line in logged} == {(run.run_id, FIRST)}
    stored = project.lake.provenance(RAW_WS_EVENTS, project.date(FIRST))
    (events,) = [line for line in logged if "counts" in line]
    assert stored is not None
    assert events["asset"] == events["step"] == "raw_ws_events"
    assert events["counts"]["partition_row_count"] == stored.rows


@pytest.mark.parametrize(
    ("fault", "tries"),
    [
        (LakeBusy("the lock was not free"), 1 + TRIES_AGAIN),
        (WriteFailed("no answer"), 1 + TRIES_AGAIN),
        (OSError(5, "Input/output error"), 1 + TRIES_AGAIN),
        (SchemaMismatch("columns differ"), 1),
        (PermissionError(13, "no"), 1),
        (ValueError("bad data"), 1),
    ],
)
def test_only_what_may_pass_is_tried_again(
    fault: Exception, tries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rugs_assets.orchestration.retries.WAIT_SECONDS", 0)
    tried: list[int] = []

    @dg.op
    @retrying_transient_faults
    def work() -> None:
        tried.append(1)
        raise fault

    @dg.job(executor_def=dg.in_process_executor)
    def once() -> None:
        work()

    assert not once.execute_in_process(raise_on_error=False).success
    assert len(tried) == tries
    assert is_transient(fault) == (tries > 1)
