"""What one date costs, counted: readings of a log, databases opened, libraries loaded."""

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from deltalake import DeltaTable

from rugs_assets.lake import delta_log
from rugs_assets.lake.catalog import TABLES
from rugs_assets.orchestration.instance import open_instance
from rugs_assets_tests.orchestration.conftest import FIRST, SECOND, Project


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


def test_a_run_of_a_date_with_all_checks_reads_each_log_once(
    project: Project, instance: dg.DagsterInstance, read_logs: Counter[str]
) -> None:
    project.lake.ensure(*TABLES)
    for key in (FIRST, SECOND):
        read_logs.clear()
        assert project.run(key, instance).success
        assert read_logs == {table.name: 1 for table in TABLES}


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


def test_a_run_opens_its_database_and_that_of_all_runs_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    with open_instance() as instance:
        storage = type(instance.event_log_storage)
        original = storage._open  # type: ignore[attr-defined]  # ours

        def counted(self: object, name: str) -> object:
            opened.append(name)
            return original(self, name)

        monkeypatch.setattr(storage, "_open", counted)
        result = project.run(FIRST, instance)
    assert result.success
    assert Counter(opened) == {"index": 1, result.run_id: 1}
