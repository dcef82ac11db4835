"""The documentation holds: its links lead somewhere, its code runs, its commands exist.

External links are not fetched.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import dagster as dg
import pytest
from filelock import FileLock

from rugs_assets.domain.simulator import Payload, Plan, write_simulation
from rugs_assets.lake import findings
from rugs_assets.lake.catalog import TABLES
from rugs_assets.lake.errors import cure_of
from rugs_assets.lake.specs import TableSpec
from rugs_assets.orchestration.stages import STAGES
from rugs_assets_tests.command_lines import problem_of, selected_by
from rugs_assets_tests.documentation import PAGES, ROOT, Block, blocks_of, commands_of

FIRST, LAST = date(2025, 12, 15), date(2025, 12, 16)
PLAN = Plan(start=FIRST, days=2, sessions=1, players=1, games_per_day=3, payload=Payload.LEAN)
RUN = [page for page in PAGES if any(not b.not_run for b in blocks_of(page, "python"))]
SHELL = [
    block
    for page in PAGES
    for block in blocks_of(page, "bash", "console", "shell", "sh")
    if block.not_run is None
]


def test_every_page_is_built_without_a_warning(tmp_path: Path) -> None:
    # The dummy builder reads and resolves everything and writes nothing; `make docs` writes HTML.
    command = "sphinx --builder dummy --fail-on-warning --keep-going --quiet"
    run = subprocess.run(
        [sys.executable, "-m", *command.split(), str(ROOT / "docs"), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_from_outside_the_documentation_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    assert [link for link in links if not (ROOT / link.partition("#")[0]).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_and_modules_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    folders = [ROOT, ROOT / "rugs_assets", ROOT / "rugs_assets_tests"]
    named = set(re.findall(r"`([\w/]+/[\w]+\.(?:py|md|yaml|toml))`", text))
    gone = {name for name in named if not any((folder / name).is_file() for folder in folders)}
    modules = set(re.findall(r"`(rugs_assets(?:\.[a-z_]+)+)`", text))
    places = {name: ROOT / name.replace(".", "/") for name in modules}
    gone |= {
        name
        for name, place in places.items()
        if not place.is_dir() and not place.with_suffix(".py").is_file()
    }
    assert gone == set()


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_every_command_exists_with_these_options(
    block: Block, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    commands = list(commands_of(block.text))
    assert commands
    assert [problem for command in commands if (problem := problem_of(command))] == []


def test_the_command_that_the_doctor_sends_people_to_exists(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    (command,) = commands_of(findings.MAINTENANCE)
    assert problem_of(command) is None
    assert command[-1] in _jobs()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_command_that_an_error_names_computes_the_table_again(
    table: TableSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    (command,) = commands_of(cure_of(table.made_by, FIRST))
    assert problem_of(command) is None
    (made,) = (stage for stage in STAGES if table in (stage.table, stage.side_table))
    assert selected_by(command) == {dg.AssetKey(made.name)}


def test_the_command_that_computes_an_asset_and_those_after_it_selects_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    for at, stage in enumerate(STAGES):
        after = [later.name for later in STAGES[at + 1 :]]
        (command,) = commands_of(cure_of(stage.name, FIRST, also=after))
        assert problem_of(command) is None
        assert selected_by(command) == {dg.AssetKey(name) for name in (stage.name, *after)}


def test_pages_that_messages_send_people_to_exist() -> None:
    named = {
        (source.name, page)
        for source in (ROOT / "rugs_assets").rglob("*.py")
        for page in re.findall(r"\bdocs/[\w/-]+\.md", source.read_text(encoding="utf-8"))
    }
    assert named
    assert [said for said in sorted(named) if not (ROOT / said[1]).is_file()] == []


def test_a_command_that_does_not_exist_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    script = (
        "rugs-assets nothing\nrugs-assets doctor --shallow\ndagster job nothing\nmake nothing\n"
        "dagster asset materialize --selection x\n"
        "dagster asset materialize --select 'key:\"observations\"+' --partition x\n"
        "make nothing && python -m rugs_assets.nothing\n"
        'pip install "rugs_assets[nothing]"\nmake run NOTHING=1\nnothing  # at all\n'
    )
    assert all(problem_of(command) for command in commands_of(script))
    assert len(list(commands_of(script))) == 11


@pytest.mark.parametrize("page", RUN, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_python_of_a_page_runs_from_top_to_bottom(
    page: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    found: dict[str, object] = {"__name__": "documentation"}
    absent: set[str] = set()
    for block in blocks_of(page, "python"):
        missing = {module for module in block.needs if find_spec(module) is None}
        absent |= missing
        if missing or block.not_run is not None:
            continue
        # As many lines before it as in the page, so that a traceback names the page's line.
        code = "\n" * (block.line - 1) + block.text
        exec(compile(code, str(block.page), "exec"), found)
    if absent:
        pytest.skip(f"all but the blocks that need {', '.join(sorted(absent))} have run")


@pytest.fixture
def project(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder as `make run` leaves it, of this test alone."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    for name, value in _environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    return tmp_path


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`data/captures` and `data/store` of two dates, and a release `demo` of them.

    Made by the first worker that needs it, for all of them.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "documentation"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            making = folder.with_suffix(".making")
            shutil.rmtree(making, ignore_errors=True)
            _make(making)
            making.rename(folder)
    return folder


def _make(folder: Path) -> None:
    from dagster import DagsterInstance

    from rugs_assets.lake.releases import ReleaseRequest, Releases
    from rugs_assets.lake.tables import Lake
    from rugs_assets.orchestration.automation import JOB_NAME
    from rugs_assets.orchestration.build import build_defs
    from rugs_assets.orchestration.release_basis import BASIS
    from rugs_assets.settings import Settings

    environment = _environment(folder)
    settings = Settings.from_environment(environment)
    write_simulation(PLAN, Path(settings.captures), truth=None)
    with pytest.MonkeyPatch.context() as patch, DagsterInstance.ephemeral() as instance:
        for name, value in environment.items():
            patch.setenv(name, value)
        job = build_defs(settings=settings).resolve_job_def(JOB_NAME)
        for day in (FIRST, LAST):
            assert job.execute_in_process(partition_key=day.isoformat(), instance=instance).success
        Releases(Lake(settings.store)).create(ReleaseRequest("demo", FIRST, LAST), BASIS)


def _environment(folder: Path) -> dict[str, str]:
    return {
        "RUGS_CAPTURES": str(folder / "data/captures"),
        "RUGS_STORE": str(folder / "data/store"),
        "RUGS_PSEUDONYM_KEY": "a key for the documentation",
        "DAGSTER_HOME": str(folder),
    }


def _jobs() -> set[str]:
    from rugs_assets.orchestration.build import build_defs
    from rugs_assets.settings import Settings

    defs = build_defs(settings=Settings.from_environment({}))
    return set(defs.get_repository_def().job_names)
