"""Fixtures that every layer's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# At a desk every run draws new examples. A machine that decides whether a change may land draws the
# same ones each time, so that what it says is about the change.
settings.register_profile("ci", derandomize=True, print_blob=True)
if os.environ.get("CI"):
    settings.load_profile("ci")

ROOT = Path(__file__).resolve().parent.parent
LONG = frozenset({"browser", "crash", "memory", "postgres", "soak", "year"})


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that take minutes, unless `-m` says which are wanted."""
    if config.option.markexpr:
        return
    long = [item for item in items if any(mark.name in LONG for mark in item.iter_markers())]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in set(long)]


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def captures_dir() -> Path:
    """Folder of the real captures (never committed); the test is skipped where there is none."""
    named = os.environ.get("RUGS_TEST_CAPTURES")
    folder = Path(named) if named else ROOT.parent / "shared" / "captures"
    if not folder.is_dir():
        pytest.skip(f"no real captures in {folder}; RUGS_TEST_CAPTURES names another folder")
    return folder
