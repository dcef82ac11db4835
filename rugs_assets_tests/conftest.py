"""Fixtures that every layer's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


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
