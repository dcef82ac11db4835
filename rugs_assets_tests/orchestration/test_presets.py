"""The line that Python reads at its start sets what is not set, and only that."""

import os
from pathlib import Path

import pytest

from rugs_assets.orchestration.presets import write


def test_presets_do_not_override_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "/chosen/by/the/user")
    monkeypatch.setenv("DAGSTER_CLI_ASSET_LIST_MODULE_NAME", "forgotten below")
    monkeypatch.delenv("DAGSTER_CLI_ASSET_LIST_MODULE_NAME")
    line = write(Path("/a 'quoted' checkout"), tmp_path).read_text(encoding="utf-8")
    assert line.startswith("import ")
    assert line.count("\n") == 1
    exec(compile(line, "presets", "exec"))
    assert os.environ["DAGSTER_HOME"] == "/chosen/by/the/user"
    assert os.environ["DAGSTER_CLI_ASSET_LIST_MODULE_NAME"] == "rugs_assets.definitions"
