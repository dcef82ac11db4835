"""However captures arrive, the store ends as a batch run over the same files would leave it.

The long version is a month with faults under a real daemon (`make test-soak`); the short one, three
dates, evaluates the ticks in this process.
"""

import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from rugs_assets.domain.simulator import Faults, Payload, Plan, write_simulation
from rugs_assets.orchestration import pictures, run
from rugs_assets.orchestration.automation import REASON_TAG, Policy
from rugs_assets.orchestration.instance import open_instance
from rugs_assets.orchestration.outlook import Outlook
from rugs_assets.orchestration.partitions import capture_dates
from rugs_assets.orchestration.resources import CapturesResource, LakeResource
from rugs_assets_tests.orchestration.arrivals import age, arrivals, emptied, same_files
from rugs_assets_tests.orchestration.conftest import Project
from rugs_assets_tests.orchestration.daemon import (
    command,
    running_daemon,
    unfinished,
    wait_for,
    write_definitions,
)
from rugs_assets_tests.orchestration.ticks import Machine, digests_of

PLAN = Plan(
    start=date(2025, 12, 15),
    days=3,
    sessions=1,
    players=1,
    games_per_day=2,
    payload=Payload.LEAN,
    faults=Faults.usual(),
)


def elsewhere(project: Project, monkeypatch: pytest.MonkeyPatch, **folders: Path) -> Project:
    """The same project with other folders, here and in the environment."""
    named = {f"RUGS_{name.upper()}": str(folder) for name, folder in folders.items()}
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    return Project(project.root, {**project.environment, **named})


def batch(project: Project) -> Mapping[str, str]:
    """What a run a date, checks included, makes of the same captures in a store of its own."""
    with dg.DagsterInstance.ephemeral() as instance:
        for day in CapturesResource.of(project.settings).look().days:
            assert project.run(day.isoformat(), instance).success
    return digests_of(project)


def made_by_command(project: Project, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """What `make run` makes of the same captures, in a store and a home of its own."""
    home = project.root / "batch_home"
    home.mkdir()
    (home / "dagster.yaml").write_text((project.root / "home/dagster.yaml").read_text())
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    run.main()
    return digests_of(project)


def differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    return sorted(key for key in {*one, *other} if one.get(key) != other.get(key))


def test_three_dates_that_arrive_as_in_real_life(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for drawn in ("of_observations", "of_shards"):
        monkeypatch.setattr(pictures, drawn, lambda day: {})
    source, captures = project.root / "source", emptied(project.root / "captures")
    write_simulation(PLAN, source, truth=None)
    landed = elsewhere(project, monkeypatch, captures=captures)
    with dg.DagsterInstance.ephemeral() as instance:
        machine = Machine(landed, instance)
        for what, step in arrivals(source, captures):
            step()
            machine.settle()  # nothing yet: it may still be growing
            if not what.endswith((".parquet", "(1 of 3)", "a stray copy")):
                age(captures, 120, machine.now)
                machine.settle()
        age(captures, 120, machine.now)
        machine.settle()
        assert machine.schedule_tick() == []
        assert machine.said == "every date is up to date"
    assert same_files(source, captures)
    ended = machine.digests()
    batched = batch(elsewhere(landed, monkeypatch, store=project.root / "batch"))
    assert len({key.split()[1] for key in ended}) == 3
    assert differing(ended, batched) == []


@pytest.mark.soak
def test_a_month_that_lands_while_the_daemon_runs(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sensor and backfill schedule on; prints what it took."""
    source, captures = project.root / "source", emptied(project.root / "captures")
    write_simulation(replace(PLAN, days=30, sessions=2, games_per_day=4), source, truth=None)
    landed = elsewhere(project, monkeypatch, captures=captures)
    module = write_definitions(project.root)
    with open_instance():
        pass  # the databases are made
    for words in (
        ("sensor", "start", "late_data"),
        ("schedule", "start", "training_data_backfill"),
    ):
        command(landed, project.root, "dagster", *words, "-m", module)
    started = time.monotonic()
    with running_daemon(landed, project.root, "-m", module), open_instance() as instance:
        files = 0
        for _, step in arrivals(source, captures):
            step()
            files += 1
            time.sleep(0.7)
        all_landed = time.monotonic() - started
        assert same_files(source, captures)
        outlook = _outlook(landed)
        wait_for(
            "every date up to date and nothing running",
            lambda: unfinished(instance) == 0 and _is_at_rest(outlook, landed),
            seconds=3_600,
            every=5,
        )
        took = time.monotonic() - started
        runs = instance.get_runs()
    counted = Counter((each.job_name, each.status.value) for each in runs)
    reasons = Counter(each.tags.get(REASON_TAG, "") for each in runs)
    ended = digests_of(landed)
    there = elsewhere(landed, monkeypatch, store=project.root / "batch")
    batched = made_by_command(there, monkeypatch)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{files} arrivals in {all_landed:.0f} s, at rest after {took:.0f} s\n"
            f"runs {dict(counted)}; why {dict(reasons)}; {len(ended)} dates of tables\n"
        )
    assert {status for _, status in counted} <= {"SUCCESS", "FAILURE"}
    assert len({key.split()[1] for key in ended}) >= 30
    assert differing(ended, batched) == []


def _outlook(project: Project) -> Outlook:
    settings = project.settings
    return Outlook(
        CapturesResource.of(settings),
        LakeResource(root=settings.store),
        capture_dates(settings.start_date),
        Policy(settle_seconds=3),
    )


def _is_at_rest(outlook: Outlook, project: Project) -> bool:
    fresh = _outlook(project)  # with the time of now
    listing, ledger = fresh.listing(), fresh.ledger()
    if ledger is None or listing.growing or ledger.listing != listing.fingerprint:
        return False
    return not any(verdict.is_due for verdict in fresh.verdicts(ledger))
