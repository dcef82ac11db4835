"""Ticks of sensor and schedules: the dates that they ask for, and those that they leave alone."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from rugs_assets.domain.simulator import write_simulation
from rugs_assets.lake.catalog import EPISODES, RAW_WS_EVENTS
from rugs_assets.orchestration import pictures
from rugs_assets.orchestration.automation import JOB_NAME
from rugs_assets.orchestration.decoding import SCHEDULE_NAME as HOURLY
from rugs_assets.orchestration.history import WANTS_TAG
from rugs_assets_tests.orchestration.conftest import FIRST, PLAN, SECOND, Project
from rugs_assets_tests.orchestration.ticks import NOW, Machine

DECODING = "decode_captures"


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Date -> the recording of a session of that date; not to be changed."""
    folder = tmp_path_factory.mktemp("sessions")
    write_simulation(PLAN, folder, truth=None)
    return {path.name[:10]: path for path in folder.rglob("*.jsonl")}


@pytest.fixture
def machine(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """An empty capture folder."""
    for drawn in ("of_observations", "of_shards"):  # half the time of a run, and not what is tested
        monkeypatch.setattr(pictures, drawn, lambda day: {})
    captures = project.root / "captures"
    captures.mkdir()
    monkeypatch.setenv("RUGS_CAPTURES", str(captures))
    own = Project(project.root, {**project.environment, "RUGS_CAPTURES": str(captures)})
    with dg.DagsterInstance.ephemeral() as instance:
        yield Machine(own, instance)


def dates(requests: list[dg.RunRequest]) -> list[str | None]:
    return [request.partition_key for request in requests]


def test_a_life_of_two_dates(machine: Machine, sessions: dict[str, Path]) -> None:
    """Landed, up to date, growing, late, removed, gone: what each asks for, and nothing more."""
    first = machine.land(sessions[FIRST], "a.jsonl")
    asked = machine.sensor_tick()
    assert [request.job_name for request in asked] == [DECODING]
    assert machine.sensor_tick() == []  # the same look, the same key
    assert machine.launch(asked[0])
    asked = machine.sensor_tick()
    assert dates(asked) == [FIRST]
    assert machine.schedule_tick()[0].tags[WANTS_TAG] == asked[0].tags[WANTS_TAG]
    assert machine.launch(asked[0])
    alone = machine.digests()
    assert machine.settle() == []
    assert (machine.schedule_tick(), machine.said) == ([], "every date is up to date")

    second = machine.land(sessions[SECOND], "b.jsonl", at=machine.now - 5)
    assert machine.settle() == []  # somebody may still be writing
    assert "1 are still written to" in machine.said
    machine.now += 120
    assert machine.settle() == [DECODING, SECOND]
    assert machine.digests().items() > alone.items()

    machine.cursor = "whatever this is"
    assert (machine.settle(), machine.said) == ([], "no capture is new; 2 hold 2 dates")

    second.unlink()
    assert machine.settle() == [DECODING, SECOND]
    emptied = machine.digests()
    assert {key: emptied[key] for key in alone} == alone
    assert machine.project.lake.read(EPISODES, machine.project.date(SECOND)).count() == 0

    first.unlink()
    assert machine.settle() == []
    assert "is empty, and held 1 captures before" in machine.said
    assert machine.schedule_tick() == []
    assert machine.schedule_tick(HOURLY) == []
    shutil.rmtree(machine.captures)
    assert machine.daily_tick(datetime(2025, 12, 16, 1, tzinfo=UTC)) == []
    assert "is not there; is its disk mounted?" in machine.said
    assert machine.digests() == emptied


def test_a_date_that_somebody_is_at_work_on_is_left_alone(
    machine: Machine, sessions: dict[str, Path]
) -> None:
    machine.land(sessions[FIRST], "a.jsonl")
    machine.launch(machine.sensor_tick()[0])
    (asked,) = machine.sensor_tick()
    job = machine.defs.resolve_job_def(JOB_NAME)
    running = machine.instance.create_run_for_job(
        job, tags=dict(asked.tags), status=dg.DagsterRunStatus.STARTED
    )
    assert machine.schedule_tick() == []
    assert f"run {running.run_id[:8]} is started" in machine.said
    for _ in range(2):  # it does not stop looking when it has said so
        assert machine.sensor_tick() == []
        assert f"run {running.run_id[:8]} is started" in machine.said
    assert machine.daily_tick(datetime(2025, 12, 16, 1, tzinfo=UTC)) == []
    machine.instance.delete_run(running.run_id)
    assert dates(machine.schedule_tick()) == [FIRST]


def test_a_date_that_keeps_failing_is_given_up_and_blocks_no_other(
    machine: Machine, sessions: dict[str, Path]
) -> None:
    machine.land(sessions[FIRST], "a.jsonl")
    machine.land(sessions[SECOND], "b.jsonl")
    machine.launch(machine.sensor_tick()[0])
    job = machine.defs.resolve_job_def(JOB_NAME)

    def fail(request: dg.RunRequest) -> None:
        run = machine.instance.create_run_for_job(
            job, tags=dict(request.tags), status=dg.DagsterRunStatus.STARTED
        )
        machine.instance.report_run_failed(run)

    asked = machine.schedule_tick()
    assert dates(asked) == [FIRST, SECOND]
    keys = set()
    for pause in (600, 2_400, 9_600):
        (request,) = [r for r in machine.schedule_tick() if r.partition_key == FIRST]
        keys.add(request.run_key)
        fail(request)
        machine.now += 60
        assert dates(machine.schedule_tick()) == [SECOND]
        machine.now += pause
    assert len(keys) == 3
    machine.launch(machine.schedule_tick()[0])
    machine.now += 10 * 86_400
    assert machine.schedule_tick() == []
    assert "given up after 3 runs for the same captures and code" in machine.said
    # Other captures of the date are another matter.
    with machine.land(sessions[FIRST], "a.jsonl", at=NOW - 7_200).open("a") as file:
        file.write("\n")
    machine.now += 86_400
    assert machine.settle() == [DECODING, FIRST]
    assert machine.schedule_tick() == []


def test_a_hand_made_change_of_settings_makes_stale_what_rests_on_it_and_is_kept(
    machine: Machine, sessions: dict[str, Path]
) -> None:
    machine.land(sessions[FIRST], "a.jsonl")
    machine.settle()
    project, day = machine.project, machine.project.date(FIRST)
    strict = {"min_ticks": 100_000}
    assert project.materialize("episodes", FIRST, machine.instance, strict).success
    (asked,) = machine.schedule_tick()
    assert asked.tags["rugs_assets/reason"] == (
        "observations was made from what its inputs no longer hold"
    )
    assert [key.to_user_string() for key in asked.asset_selection or ()] == [
        "observations",
        "aligned_samples",
        "training_shards",
    ]
    assert machine.launch(asked)
    assert machine.schedule_tick() == []
    stored = project.lake.provenance(EPISODES, day)
    assert stored is not None
    assert '"min_ticks": 100000' in stored.config

    # New captures of the date: everything anew, with the settings that it was made with.
    with machine.land(sessions[FIRST], "a.jsonl", at=NOW - 7_200).open("a") as file:
        file.write("\n")
    machine.now += 3_600
    machine.settle()
    again = project.lake.provenance(EPISODES, day)
    assert again is not None
    assert again.config == stored.config
    assert machine.schedule_tick() == []


def test_a_capture_that_names_no_date_and_cannot_be_opened_holds_back_and_says_so(
    machine: Machine, sessions: dict[str, Path]
) -> None:
    machine.land(sessions[FIRST], "a.jsonl")
    (machine.captures / "cut_off.parquet").write_bytes(b"PAR1 and no footer")
    machine.now += 3_600
    assert machine.settle() == [DECODING]
    assert f"{FIRST}: cut_off.parquet: cannot be opened" in machine.said
    assert machine.schedule_tick() == []
    assert "cut_off.parquet" in machine.said
    assert machine.schedule_tick(HOURLY)  # what keeps it from being read may have passed
    (machine.captures / "cut_off.parquet").unlink()
    assert machine.settle() == [DECODING, FIRST]
    assert machine.project.lake.days(RAW_WS_EVENTS) == [machine.project.date(FIRST)]


def test_the_daily_schedule_asks_for_yesterday(machine: Machine) -> None:
    for day, expected in {
        datetime(2025, 12, 16, 1, tzinfo=UTC): ["2025-12-15"],
        datetime(2026, 1, 1, 1, tzinfo=UTC): ["2025-12-31"],
        datetime(2025, 10, 2, 1, tzinfo=UTC): ["2025-10-01"],
        datetime(2025, 10, 1, 1, tzinfo=UTC): [],  # on the first date there is no yesterday
    }.items():
        asked = [(r.partition_key, r.run_key) for r in machine.daily_tick(day)]
        assert asked == [(key, key) for key in expected]
