"""Dagster's databases: made once, under DAGSTER_HOME, however many commands start at once."""

import sqlite3
import subprocess
import sys
from pathlib import Path


def test_several_commands_on_a_fresh_folder_leave_one_head(
    project_root: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    commands = [
        subprocess.Popen(
            [sys.executable, "-m", "rugs_assets.orchestration.instance"],
            cwd=elsewhere,
            env={"DAGSTER_HOME": str(home), "PYTHONPATH": str(project_root)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    errors = [command.communicate(timeout=120)[1] for command in commands]
    assert [command.returncode for command in commands] == [0] * 4, errors
    with sqlite3.connect(home / "data/dagster/history/runs.db") as database:
        assert len(database.execute("select version_num from alembic_version").fetchall()) == 1
    assert list(elsewhere.iterdir()) == []
    assert sorted(path.name for path in home.iterdir()) == ["dagster.yaml", "data"]
