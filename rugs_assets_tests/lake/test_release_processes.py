"""Several processes at one release, or at its cache; and those that are killed at it."""

from __future__ import annotations

import multiprocessing
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from rugs_assets.lake.dataset import TrainingDataset
from rugs_assets.lake.maintenance import vacuum
from rugs_assets.lake.releases import ReleaseRequest, Releases
from rugs_assets.lake.sweeping import sweep
from rugs_assets.lake.tables import Lake
from rugs_assets_tests.lake import release_process
from rugs_assets_tests.lake.release_store import BASIS, MONDAY, TUESDAY, make_store

REQUEST = ReleaseRequest("first", MONDAY, TUESDAY)
SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture(scope="module")
def two_dates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of two dates, never changed."""
    return Path(make_store(tmp_path_factory.mktemp("two_dates") / "store").root)


@pytest.fixture
def lake(two_dates: Path, tmp_path: Path) -> Lake:
    """A copy of it."""
    return Lake(shutil.copytree(two_dates, tmp_path / "store"))


def at_once(work: Callable[..., None], each: list[tuple[str, ...]], folder: Path) -> list[str]:
    """What each process says that does `work` at the same time as the others."""
    gate = folder / "gate"
    gate.mkdir()
    said = [folder / f"said-{number}" for number in range(len(each))]
    processes = [
        SPAWN.Process(target=work, args=(*arguments, str(gate), len(each), str(file)))
        for arguments, file in zip(each, said, strict=True)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * len(each)
    return [file.read_text() for file in said]


def killed(work: Callable[..., None], *arguments: str) -> None:
    """Run what kills itself."""
    process = SPAWN.Process(target=work, args=arguments)
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL


def left_behind(lake: Lake) -> list[str]:
    """Folders of unfinished releases and caches."""
    root = Path(lake.root)
    staging = root / "releases" / "_staging"
    found = [path.name for path in staging.iterdir() if path.is_dir()] if staging.is_dir() else []
    return found + [path.name for path in root.glob("_cache/_*")]


def test_of_several_at_once_one_wins_and_others_are_not_hindered(
    lake: Lake, tmp_path: Path
) -> None:
    names = ["first", "first", "second"]
    outcomes = at_once(release_process.create, [(lake.root, name) for name in names], tmp_path)
    lost = [outcome for outcome in outcomes if "there is a release 'first' already" in outcome]
    assert len(lost) == 1
    assert len({*outcomes} - {*lost}) == 1  # the same rows have the same checksum
    assert Releases(lake).names() == ["first", "second"]
    assert Releases(lake).verify("first") == Releases(lake).verify("second") == []
    assert left_behind(lake) == []


@pytest.mark.parametrize("step", ["linked", "publish"])
def test_a_killed_creator_leaves_no_release_and_nothing_for_ever(lake: Lake, step: str) -> None:
    killed(release_process.create_and_die, lake.root, step)
    assert Releases(lake).names() == []
    assert len(left_behind(lake)) == 1
    for table in BASIS.tables:
        vacuum(lake.store, table.spec, dry_run=False)  # it does not stop at half a release
    made = Releases(lake).create(REQUEST, BASIS)
    assert Releases(lake).verify("first") == []
    sweep(lake.store, landing=Path(lake.root) / "_landing", dry_run=False)
    assert left_behind(lake) == []
    assert Releases(lake).manifest("first") == made


def test_a_cache_is_built_once_by_however_many(lake: Lake, tmp_path: Path) -> None:
    Releases(lake).create(REQUEST, BASIS)
    said = at_once(release_process.build_cache, [(lake.root,)] * 3, tmp_path)
    assert len({*said}) == 1
    assert left_behind(lake) == []


def test_a_killed_builder_leaves_nothing_that_is_read(lake: Lake) -> None:
    Releases(lake).create(REQUEST, BASIS)
    killed(release_process.build_cache_and_die, lake.root)
    assert len(left_behind(lake)) == 1
    inside = TrainingDataset.open(lake, release="first")
    mapped = TrainingDataset.open(lake, release="first", memory_limit=0)
    assert (mapped.steps.observations == inside.steps.observations).all()
    assert left_behind(lake) == []
