"""The README's blocks of Python do what they say, on a store that `make run` would make."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from rugs_assets.domain.shards import TRAINING_SHARDS as COLUMNS
from rugs_assets.lake import catalog
from rugs_assets.lake.tables import Lake, Provenance

ROOT = Path(__file__).resolve().parent.parent
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`data/store` in the working folder, with one empty date of training shards."""
    monkeypatch.chdir(tmp_path)
    lake = Lake("data/store")
    lake.replace(catalog.TRAINING_SHARDS, date(2025, 12, 15), [], Provenance("r", "1", "i"))
    return tmp_path


@pytest.mark.parametrize("block", BLOCKS, ids=["pandas", "polars", "duckdb"])
def test_the_result_is_read_as_the_readme_says(block: str, store: Path) -> None:
    found: dict[str, object] = {}
    exec(compile(block, "README.md", "exec"), found)
    frame = found["frame"]
    assert set(COLUMNS.names) <= set(getattr(frame, "columns", ()))
