"""What killed processes leave is found and removed; what is in use is not."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from rugs_assets.lake.locks import held
from rugs_assets.lake.sweeping import sweep
from rugs_assets.lake.tables import Lake
from rugs_assets_tests.lake.example_tables import (
    MONDAY,
    THINGS,
    batches,
    made_by,
    the_generation,
)


def nothing() -> None:
    """The work of a process that ends at once."""


@pytest.fixture
def ended() -> int:
    """The id of a process that is no more."""
    process = multiprocessing.get_context("spawn").Process(target=nothing)
    process.start()
    process.join()
    assert process.pid is not None
    return process.pid


def left_in(root: Path, ended: int) -> list[str]:
    """Put down what killed processes leave; the paths of it, below the store."""
    made = [
        "_cache/_building-1/observations",
        f"_landing/.0a1b-{ended}-77.events",
        f"_landing/.0a1b-{ended}-77.rejects",
        f"_landing/.formats-2.json-{ended}-77",
        "releases/_staging/demo-1/release/release.json",
        "shard_manifests/_staging/2025-12-15-1/2025-12-15.json",
        "things/_delta_log/00000000000000000002.json#1",
        "things/_delta_log/_last_checkpoint#3",
        "things/_staging/2025-12-15-1/part-00000.parquet",
    ]
    for name in made:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"left")
    folders = {"_cache/": 2, "releases/": 3, "shard_manifests/": 3, "things/_staging": 3}
    return [
        "/".join(
            name.split("/")[: next((n for at, n in folders.items() if name.startswith(at)), 9)]
        )
        for name in made
    ]


def test_what_was_left_goes_and_nothing_else(tmp_path: Path, ended: int) -> None:
    lake = Lake(tmp_path)
    lake.replace(THINGS, MONDAY, batches(60, 1), made_by())
    expected = sorted(left_in(tmp_path, ended))
    stays = tmp_path / "_landing" / f".0a1b-{os.getpid()}-77.events"
    stays.write_bytes(b"of a decoder that runs")
    landing = tmp_path / "_landing"
    assert sweep(lake.store, landing=landing, idle_hours=0).paths == tuple(expected)
    assert all((tmp_path / path).exists() for path in expected)  # it was dry
    done = sweep(lake.store, landing=landing, idle_hours=0, dry_run=False)
    assert (done.paths, done.busy) == (tuple(expected), ())
    assert not [path for path in expected if (tmp_path / path).exists()]
    assert stays.exists()
    assert sweep(lake.store, landing=landing, idle_hours=0).paths == ()
    assert the_generation(lake, MONDAY) == (1, 60)


def test_what_is_in_use_stays(tmp_path: Path, ended: int) -> None:
    lake = Lake(tmp_path)
    lake.ensure(THINGS)
    left_in(tmp_path, ended)
    staging = tmp_path / "things" / "_staging"
    with (
        held(staging / "publish.lock", shared=True, timeout=0),
        held(tmp_path / "_cache" / "0a.lock", shared=False, timeout=0),
        lake.store.staging("releases", "demo") as making,
    ):
        done = sweep(lake.store, landing=tmp_path / "_landing", dry_run=False, timeout=0)
        assert making.exists()
    assert done.busy == ("things",)
    # The cache is being built, and the decoder's files are younger than an hour.
    assert {path.split("/")[0] for path in done.paths} == {"releases", "shard_manifests"}


def test_a_vacuum_meets_a_writer_that_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(tmp_path)
    lake.ensure(THINGS)
    folder = tmp_path / "things" / "_staging" / "2025-12-15-1"
    folder.mkdir()
    listed = sorted

    def ends_meanwhile(found: object) -> object:
        names = listed(found)  # type: ignore[call-overload] # whatever is sorted
        if folder in names:
            folder.rmdir()
        return names

    monkeypatch.setattr("rugs_assets.lake.storage.sorted", ends_meanwhile, raising=False)
    assert lake.store.clear_staging("things") == []
