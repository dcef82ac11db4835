"""The commands a user types: exit codes, folders, output."""

import os
import subprocess
import sys
from pathlib import Path

from rugs_assets.lake.catalog import TRAINING_SHARDS
from rugs_assets_tests.orchestration.conftest import FIRST, SECOND, Project

BROKEN_DEFS = """
from rugs_assets.domain.violations import Violations
from rugs_assets.orchestration import rules
from rugs_assets.orchestration.build import build_defs

never = rules.Rule("never", "Holds never.", lambda day, captures: Violations("holds", 1))
rules.RULES["episodes"] += (never,)
defs = build_defs()
"""


def run(
    command: list[str], project: Project, folder: Path, **more: str
) -> subprocess.CompletedProcess[str]:
    """A command in a fresh interpreter of this environment, with the project's settings."""
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={**keep, **project.environment, **more},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def materialize(module: str | None, date: str) -> list[str]:
    named = ["-m", module] if module else []
    return ["dagster", "asset", "materialize", "--select", "*", "--partition", date, *named]


def test_materialize_from_the_project_root_needs_no_module(
    project: Project, project_root: Path
) -> None:
    done = run(materialize(None, FIRST), project, project_root)
    assert done.returncode == 0, done.stderr
    assert project.lake.days(TRAINING_SHARDS) == [project.date(FIRST)]


def test_materialize_from_anywhere_and_a_failed_blocking_check_is_an_error(
    project: Project,
) -> None:
    elsewhere = project.root / "elsewhere"
    elsewhere.mkdir()
    done = run(materialize("rugs_assets.definitions", FIRST), project, elsewhere)
    assert done.returncode == 0, done.stderr
    assert list(elsewhere.iterdir()) == []
    (elsewhere / "broken_defs.py").write_text(BROKEN_DEFS)
    broken = run(materialize("broken_defs", SECOND), project, elsewhere)
    assert broken.returncode != 0
    assert "1 blocking asset check failed" in broken.stderr


def test_definitions_validate(project: Project, project_root: Path) -> None:
    done = run(["dagster", "definitions", "validate"], project, project_root)
    assert done.returncode == 0, done.stderr
