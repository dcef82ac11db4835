"""A commit that a power cut tore: before the sync nobody was told that it was made."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rugs_assets.lake.errors import StoreInvalid
from rugs_assets.lake.tables import Lake
from rugs_assets_tests.lake.example_tables import (
    MONDAY,
    THINGS,
    batches,
    made_by,
    the_generation,
)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path / "store")
    for generation in (1, 2, 3):
        lake.replace(THINGS, MONDAY, batches(60, generation), made_by())
    return lake


def last_commit(lake: Lake) -> Path:
    return Path(lake.uri(THINGS)) / "_delta_log" / f"{3:020d}.json"


def test_an_empty_commit_is_as_if_it_had_not_been_made(lake: Lake) -> None:
    last_commit(lake).write_bytes(b"")
    assert the_generation(Lake(lake.root), MONDAY) == (2, 60)
    Lake(lake.root).replace(THINGS, MONDAY, batches(60, 4), made_by())
    assert the_generation(Lake(lake.root), MONDAY) == (4, 60)


@pytest.mark.parametrize("torn", [b'{"commitInfo":{"timest', b"\0" * 500])
def test_a_torn_commit_is_named_with_its_cure(torn: bytes, lake: Lake) -> None:
    last_commit(lake).write_bytes(torn)
    with pytest.raises(StoreInvalid, match=rf"delete _delta_log/{3:020d}\.json") as said:
        Lake(lake.root).read(THINGS, MONDAY)
    assert "<unknown>" not in str(said.value)
    last_commit(lake).unlink()
    assert the_generation(Lake(lake.root), MONDAY) == (2, 60)


def test_a_commit_is_synced_before_anybody_is_told(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    sync = os.fsync

    def noted(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    lake.replace(THINGS, MONDAY, batches(60, 4), made_by())
    assert synced[-2:] == [f"{4:020d}.json", "_delta_log"]


def test_a_time_is_that_of_the_commit_whenever_its_file_was_written(lake: Lake) -> None:
    entries = {entry.version: entry for entry in lake.versions(THINGS)}
    for path in (Path(lake.uri(THINGS)) / "_delta_log").iterdir():
        os.utime(path, (2e9, 2e9))  # a copied store, or a busy machine
    for version in (1, 2, 3):
        rows = lake.read(THINGS, MONDAY, version=entries[version].at).to_arrow()
        assert set(rows.column("generation").to_pylist()) == {version}
