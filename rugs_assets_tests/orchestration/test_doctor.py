"""The doctor's findings about the environment and Dagster; its command."""

import json
import os
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from dagster import DagsterInstance
from dagster._core.scheduler.instigation import InstigatorStatus
from typer.testing import CliRunner

from rugs_assets.cli import app
from rugs_assets.lake.findings import Finding
from rugs_assets.orchestration import doctor
from rugs_assets.orchestration.database_health import DatabaseHealth
from rugs_assets.orchestration.instance import open_instance, prepare_home
from rugs_assets.settings import Settings
from rugs_assets_tests.orchestration.conftest import Project

EVERYTHING = [
    "python",
    "packages",
    "settings",
    "dagster_home",
    "databases",
    "daemon",
    "code_location",
    "captures",
    "capture_files",
    "other_files",
    "decoded_copy",
    "tables",
    "stored_files",
    "schema_versions",
    "releases",
    "leftovers",
    "clutter",
    "disk_space",
    "pseudonym_key",
    "clock",
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Path:
    """A DAGSTER_HOME whose databases are made; not to be changed."""
    folder = tmp_path_factory.mktemp("made") / "home"
    folder.mkdir()
    shutil.copyfile(project_root / "dagster.yaml", folder / "dagster.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(folder))
        open_instance().dispose()
    return folder


@pytest.fixture
def home(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, of a test's own."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    return Path(shutil.copytree(made, tmp_path / "home"))


def database_of(home: Path) -> Path:
    found = DatabaseHealth(home).folder
    assert found is not None
    return found / "history" / "runs.db"


def test_everything_is_looked_at_and_nothing_is_made(project: Project) -> None:
    before = set(project.root.rglob("*"))
    found = {finding.name: finding for finding in doctor.findings(project.settings)}
    assert list(found) == EVERYTHING
    errors = {name: found[name].told for name in found if found[name].level == "error"}
    errors.pop("packages", None)  # those of the machine that runs the tests are its own affair
    assert errors == {}
    assert set(project.root.rglob("*")) == before


def test_the_page_about_the_doctor_names_every_finding(project_root: Path) -> None:
    page = (project_root / "docs/how-to/doctor.md").read_text(encoding="utf-8")
    assert [name for name in [*EVERYTHING, "checksums"] if f"`{name}`" not in page] == []


def test_a_setting_that_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUGS_START_DATE", "yesterday")
    (finding,) = doctor.findings()
    assert finding.level == "error"
    assert "RUGS_START_DATE" in finding.told


def test_a_store_that_cannot_be_used_is_told_and_the_rest_too(project: Project) -> None:
    found = doctor.findings(replace(project.settings, store=str(project.root / "a%20b")))
    assert [finding.name for finding in found][-1] == "store"
    assert found[-1].level == "error"


@pytest.mark.parametrize("version", [(3, 10), (3, 15)])
def test_a_python_that_is_too_old_or_too_new(version: tuple[int, int]) -> None:
    assert doctor.python(version).level == "error"
    assert doctor.python((3, 12)).level == "ok"


@pytest.mark.parametrize(
    ("needed", "locked", "level", "said"),
    [
        ("pytest", "", "ok", "fits"),
        ("pytest<1", "", "error", "pytest<1 is needed"),
        ("no-such-package>=2", "", "error", "no-such-package is not installed"),
        ("pytest", "pytest==0.1 \\\n", "warn", "tested with 0.1"),
        ("pytest", "pytest==0.1 ; python_full_version < '3' \\\n", "ok", "fits"),
    ],
)
def test_packages_that_are_not_those_that_are_needed(
    needed: str, locked: str, level: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text(f'[project]\ndependencies = ["{needed}"]\n')
    if locked:
        (tmp_path / "requirements.lock").write_text(locked)
    found = doctor.packages(tmp_path)
    assert found.level == level
    assert said in found.told


def test_a_home_that_is_missing_relative_or_without_its_configuration(
    tmp_path: Path, project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert DatabaseHealth(tmp_path / "none").usable().level == "error"
    bare = DatabaseHealth(tmp_path).usable()
    assert (bare.level, "dagster.yaml is missing" in bare.told) == ("error", True)
    prepare_home(replace(Settings.from_environment({}), dagster_home=tmp_path, home=project_root))
    assert DatabaseHealth(tmp_path).usable().level == "ok"
    monkeypatch.chdir(tmp_path)
    relative = DatabaseHealth(tmp_path, "home").usable()
    assert (relative.level, f"export DAGSTER_HOME={tmp_path}" in relative.cure) == ("error", True)
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    assert "may not be written" in DatabaseHealth(tmp_path).usable().told


def test_sound_databases(home: Path) -> None:
    health = DatabaseHealth(home)
    assert (health.migrated().level, health.migrated().told) == ("ok", "sqlite, migrated")
    assert health.daemon_beats().level == "ok"


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("INSERT INTO alembic_version VALUES ('another')", "cannot be read"),  # two heads
        ("UPDATE alembic_version SET version_num = '567bc23fd1ac'", "runs are at 567bc23fd1ac"),
    ],
)
def test_databases_with_two_heads_or_of_an_older_dagster(
    home: Path, statement: str, said: str
) -> None:
    with sqlite3.connect(database_of(home)) as connection:
        connection.execute(statement)
    connection.close()
    found = DatabaseHealth(home).migrated()
    assert found.level == "error"
    assert said in found.told
    assert "`" in found.cure


def test_a_database_that_is_no_database_is_cured_by_moving_it_away(home: Path) -> None:
    database = database_of(home)
    for file in database.parent.glob("runs.db*"):
        file.unlink()
    database.write_bytes(b"this is no database, whatever its name says" * 100)
    found = DatabaseHealth(home).migrated()
    assert found.level == "error"
    assert f"mv {database.parent} " in found.cure
    database.parent.rename(database.parent.with_name("history.broken"))
    open_instance().dispose()
    assert DatabaseHealth(home).migrated().level == "ok"


def test_a_server_that_does_not_answer(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "dagster.yaml").write_text("storage:\n  postgres:\n    postgres_url: nowhere\n")
    found = DatabaseHealth(home).migrated()
    assert found.level == "error"
    assert "RUGS_DAGSTER_POSTGRES_URL" in found.cure
    assert DatabaseHealth(home).daemon_beats().level == "warn"


def test_a_schedule_that_no_daemon_evaluates(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class On:
        instigator_name = "every_day"

    def switched_on(_: DagsterInstance, **asked: object) -> list[On]:
        assert asked == {"instigator_statuses": {InstigatorStatus.RUNNING}}
        return [On()]

    monkeypatch.setattr(DagsterInstance, "all_instigator_state", switched_on)
    found = DatabaseHealth(home).daemon_beats()
    assert found.level == "warn"
    assert "every_day" in found.told


def test_a_graph_that_cannot_be_loaded(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: object) -> None:
        raise SyntaxError("somebody was here")

    monkeypatch.setattr("rugs_assets.orchestration.build.build_defs", broken)
    found = {finding.name: finding for finding in doctor.findings(project.settings)}
    assert found["code_location"].level == "error"
    assert "somebody was here" in found["code_location"].told


@pytest.mark.parametrize(("level", "status"), [("ok", 0), ("warn", 0), ("error", 1)])
def test_the_command_prints_and_its_status_tells(
    level: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [Finding("clock", level, "it is late", "`go home`")]  # type: ignore[arg-type]
    asked: list[bool] = []

    def findings(*, deep: bool) -> list[Finding]:
        asked.append(deep)
        return found

    monkeypatch.setattr(doctor, "findings", findings)
    shown = CliRunner().invoke(app, ["doctor"])
    assert shown.exit_code == status
    assert "-> `go home`" in shown.output
    told = CliRunner().invoke(app, ["doctor", "--deep", "--json"])
    assert told.exit_code == status
    assert json.loads(told.output) == [
        {"name": "clock", "level": level, "told": "it is late", "cure": "`go home`"}
    ]
    assert asked == [False, True]
