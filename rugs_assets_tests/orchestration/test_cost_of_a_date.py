"""What one date costs, counted: readings of a log, databases opened, libraries loaded."""

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from rugs_assets.lake import delta_log
from rugs_assets.lake.catalog import TABLES
from rugs_assets.orchestration import pictures
from rugs_assets.orchestration.event_log import ProjectEventLogStorage
from rugs_assets.orchestration.instance import open_instance
from rugs_assets_tests.orchestration.conftest import FIRST, Project


@pytest.fixture
def read_logs(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Table -> how often its log was read."""
    found: Counter[str] = Counter()

    class Counted(DeltaTable):
        def __init__(self, table_uri: str, *args: Any, **kwargs: Any) -> None:
            found[Path(table_uri).name] += 1
            super().__init__(table_uri, *args, **kwargs)

    monkeypatch.setattr(delta_log, "DeltaTable", Counted)
    return found


def test_a_run_of_a_date_with_all_checks_opens_each_thing_once(
    project: Project, read_logs: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for drawn in ("of_observations", "of_shards"):
        monkeypatch.setattr(pictures, drawn, lambda day: {})
    opened: Counter[str] = Counter()
    original = ProjectEventLogStorage._open

    def counted(self: ProjectEventLogStorage, name: str) -> object:
        opened[name] += 1
        return original(self, name)

    monkeypatch.setattr(ProjectEventLogStorage, "_open", counted)
    project.lake.ensure(*TABLES)
    read_logs.clear()
    with open_instance() as instance:
        result = project.run(FIRST, instance)
    assert result.success
    assert read_logs == {table.name: 1 for table in TABLES}
    assert opened == {"index": 1, result.run_id: 1}


def test_loading_the_graph_loads_neither_what_draws_nor_what_nobody_asked_for() -> None:
    heavy = ("matplotlib", "pandas", "polars", "rich", "torch", "rugs_assets.domain.simulator")
    loaded = f"[name for name in {heavy!r} if name in sys.modules]"
    said = subprocess.run(
        [sys.executable, "-c", f"import sys, rugs_assets.definitions; print({loaded})"],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert said.stdout.strip() == "[]"
