"""Releases and table history as a user meets them: commands on a store that the job has made."""

import json

import dagster as dg
import pytest
from typer.testing import CliRunner

from rugs_assets.cli import app
from rugs_assets.lake.training import TrainingDataset
from rugs_assets_tests.orchestration.conftest import FIRST, SECOND, Project

SPAN = ["--from", FIRST, "--to", SECOND]


@pytest.fixture
def made(project: Project, instance: dg.DagsterInstance) -> Project:
    """Both dates, through the job."""
    for day in (FIRST, SECOND):
        assert project.run(day, instance).success
    return project


def told(*arguments: str, status: int = 0) -> str:
    """What a command says."""
    result = CliRunner().invoke(app, [*arguments], env={"COLUMNS": "200"})
    assert result.exit_code == status, result.output
    return result.output


def test_a_release_is_cut_shown_compared_and_removed(made: Project) -> None:
    assert "every episode" in told("release", "create", "first", *SPAN)
    told("release", "create", "played", *SPAN, "--where", "has_player = true")
    assert "there is a release 'first' already" in told(
        "release", "create", "first", *SPAN, status=2
    )
    manifest = json.loads(told("release", "show", "first", "--json"))
    assert manifest["content"]["dates"] == [FIRST, SECOND]
    listed = json.loads(told("release", "list", "--json"))
    assert [each["name"] for each in listed] == ["first", "played"]
    dataset = TrainingDataset.open(made.settings.store, release="first")
    assert len(dataset) == listed[0]["samples"] > 0
    assert "every byte as released" in told("release", "verify", "first")
    assert "where" in told("release", "diff", "first", "played", status=1)
    assert "hold the same" in told("release", "diff", "first", "first")
    told("release", "rm", "played", "--yes")
    assert "there is no release 'played'" in told("release", "show", "played", status=2)


def test_a_date_that_is_stale_or_absent_is_refused_with_the_command_that_cures_it(
    made: Project, instance: dg.DagsterInstance
) -> None:
    made.materialize("episodes", SECOND, instance, {"min_ticks": 10**6})
    said = told("release", "create", "first", *SPAN, status=2)
    assert f"{SECOND}: episodes was computed with settings" in said
    said = told("release", "create", "first", "--from", SECOND, "--to", "2025-12-17", status=2)
    assert f"--select 'key:\"observations\"' --partition {SECOND}" in said
    assert "2025-12-17: no table holds it" in said
    assert told("release", "list", "--json").strip() == "[]"


def test_a_damaged_release_is_told(made: Project) -> None:
    told("release", "create", "first", "--from", FIRST, "--to", FIRST)
    (path,) = made.root.glob("store/releases/first/training_shards/*/*.parquet")
    path.unlink()
    assert f"{path} cannot be read" in told("release", "verify", "first", status=1)
    (made.root / "store/releases/first/release.json").write_text("{}")
    assert "release.json is damaged" in told("release", "list", status=1)
    assert "release.json is damaged" in told("release", "verify", "first", status=2)
    assert "there is no release 'second'" in told("release", "rm", "second", status=2)
    told("release", "rm", "first", "--yes")
    assert told("release", "list", "--json").strip() == "[]"


def test_a_table_can_be_looked_at_and_taken_back(
    made: Project, instance: dg.DagsterInstance
) -> None:
    before = json.loads(told("table", "show", "episodes", "--json"))
    assert [each["date"] for each in before] == [FIRST, SECOND]
    made.materialize("episodes", SECOND, instance, {"min_ticks": 10**6})
    log = json.loads(told("table", "log", "episodes", "--json"))
    assert [each["date"] for each in log] == [SECOND, SECOND, FIRST, None]
    changed = json.loads(told("table", "diff", "episodes", "2", "--json"))
    assert [each["date"] for each in changed] == [SECOND]
    assert changed[0]["differs in"] == "rows, settings"
    lines = told("table", "log", "episodes").splitlines()
    assert [line.split()[0] for line in lines] == ["version", "3", "2", "1", "0"]
    told("table", "restore", "episodes", "2", "--date", SECOND)
    assert "no date differs" in told("table", "diff", "episodes", "2")
    assert json.loads(told("table", "show", "episodes", "--json")) == before
    assert json.loads(told("table", "diff", "episodes", "2", "--json")) == []
    assert "there is no table 'eggs'" in told("table", "log", "eggs", status=2)
    assert "does not hold 2025-12-17" in told(
        "table", "restore", "episodes", "2", "--date", "2025-12-17", status=2
    )
