"""No path in a log, a manifest or a link leads out of the store: neither to read nor to delete."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rugs_assets.lake.dataset import TrainingDataset
from rugs_assets.lake.errors import LakeError, StoreInvalid
from rugs_assets.lake.paths import inner_path
from rugs_assets.lake.release_manifest import MANIFEST, ReleaseDamaged, ReleaseFile
from rugs_assets.lake.releases import ReleaseRequest, Releases
from rugs_assets.lake.shard_manifests import FOLDER, read_manifest
from rugs_assets.lake.tables import Lake
from rugs_assets_tests.lake.example_tables import (
    MONDAY,
    THINGS,
    TUESDAY,
    batches,
    made_by,
    the_generation,
)
from rugs_assets_tests.lake.release_store import BASIS, make_store

OUTSIDE = (
    "/etc/passwd",
    "../secret.parquet",
    "capture_date=2025-12-15/../../../secret.parquet",
    "./capture_date=2025-12-15/part.parquet",
    "file:///etc/passwd",
    "s3://bucket/key",
    "..\\secret.parquet",
    "a//b",
    "nul\0.parquet",
    "new\nline.parquet",
    "",
)


@pytest.mark.parametrize("path", OUTSIDE)
def test_only_paths_below_a_folder_are_taken(path: str) -> None:
    with pytest.raises(ValueError, match="leads out of its folder"):
        inner_path(path)


def test_plain_paths_are_taken() -> None:
    for path in ("a", "capture_date=2025-12-15/part-00000-ab.parquet", "späße/x.y", "..a/b.."):
        assert inner_path(path) == path


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Two versions of Monday, and a file of the same kind outside of the store."""
    lake = Lake(tmp_path / "store")
    for generation in (1, 2):
        lake.replace(THINGS, MONDAY, batches(60, generation), made_by())
    shutil.copy(lake.read(THINGS, MONDAY).files[0], tmp_path / "secret.parquet")
    return lake


def tampered(lake: Lake, kind: str, path: str) -> None:
    """Make the log's last commit speak of another path."""
    log = Path(lake.uri(THINGS)) / "_delta_log" / f"{2:020d}.json"
    actions: list[dict[str, Any]] = [json.loads(line) for line in log.read_text().splitlines()]
    for action in actions:
        if kind in action:
            action[kind]["path"] = path
        if "remove" in action:
            action["remove"]["deletionTimestamp"] = 1_000  # long ago: a vacuum would delete it
    log.write_text("".join(json.dumps(action) + "\n" for action in actions))


@pytest.mark.parametrize(
    "path",
    [
        "../../secret.parquet",
        "capture_date=2025-12-15/../../../secret.parquet",
        "file:///etc/passwd",
    ],
)
def test_a_log_that_adds_a_file_outside_is_refused(path: str, lake: Lake) -> None:
    tampered(lake, "add", path)
    again = Lake(lake.root)
    for read in (
        lambda: again.read(THINGS, MONDAY),
        lambda: again.provenance(THINGS, MONDAY),
        lambda: again.days(THINGS),
        lambda: again.replace(THINGS, TUESDAY, batches(60, 3), made_by()),
    ):
        with pytest.raises(StoreInvalid, match="leads out of its folder"):
            read()


@pytest.mark.parametrize("path", ["../../secret.parquet", "..%2F..%2Fsecret.parquet"])
def test_a_log_that_removes_a_file_outside_deletes_nothing(path: str, lake: Lake) -> None:
    tampered(lake, "remove", path)
    secret = Path(lake.root).parent / "secret.parquet"
    os.utime(secret, (1, 1))
    Lake(lake.root).vacuum(THINGS, retention_hours=0, dry_run=False)
    assert secret.exists()


def test_a_link_that_leads_out_of_a_table_is_not_followed(lake: Lake) -> None:
    (stored,) = map(Path, lake.read(THINGS, MONDAY).files)
    stored.unlink()
    stored.symlink_to(Path(lake.root).parent / "secret.parquet")
    with pytest.raises(StoreInvalid, match="a link that leads out of the store"):
        lake.read(THINGS, MONDAY).to_arrow()


def test_a_folder_that_leads_out_of_the_store_is_not_written(lake: Lake) -> None:
    outside = Path(lake.root).parent / "outside"
    outside.mkdir()
    (Path(lake.uri(THINGS)) / "capture_date=2025-12-16").symlink_to(outside)
    with pytest.raises(StoreInvalid, match="a link that leads out of the store"):
        lake.replace(THINGS, TUESDAY, batches(60, 3), made_by())
    assert list(outside.iterdir()) == []
    assert the_generation(lake, MONDAY) == (2, 60)


def test_a_store_may_itself_be_reached_through_a_link(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(lake.root)
    assert the_generation(Lake(tmp_path / "link"), MONDAY) == (2, 60)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a release, to be copied."""
    folder = tmp_path_factory.mktemp("untouched") / "store"
    lake = make_store(folder, [MONDAY])
    Releases(lake).create(ReleaseRequest("demo", MONDAY, MONDAY), BASIS)
    return folder


@pytest.fixture
def released(untouched: Path, tmp_path: Path) -> Releases:
    return Releases(Lake(shutil.copytree(untouched, tmp_path / "store")))


@pytest.mark.parametrize("path", OUTSIDE)
def test_a_manifest_that_speaks_of_a_file_outside_is_refused(path: str, released: Releases) -> None:
    manifest = released.manifest("demo")
    evil = ReleaseFile(path, 1, "00" * 32, 1, MONDAY)
    sealed = replace(manifest, files=(evil, *manifest.files)).to_bytes()
    (released.folder("demo") / MANIFEST).write_bytes(sealed)
    for look in (released.verify, released.manifest, opened_by(released)):
        with pytest.raises(ReleaseDamaged, match="leads out of its folder"):
            look("demo")


def opened_by(releases: Releases) -> Callable[[str], object]:
    """Opens a release as a trainer does."""
    store = releases.folder("x").parent.parent
    return lambda name: TrainingDataset.open(store, release=name)


def test_a_link_in_a_release_is_not_followed(released: Releases) -> None:
    folder = released.folder("demo")
    file = folder / released.manifest("demo").shards[0].path
    outside = folder.parent.parent.parent / "same-bytes.parquet"
    file.rename(outside)
    file.symlink_to(outside)
    (problem,) = released.verify("demo")
    assert "a link that leads out of the release" in problem
    with pytest.raises(ReleaseDamaged, match="a link that leads out of the release"):
        opened_by(released)("demo")
    (folder / "more").symlink_to(outside.parent)
    assert any("more is not part of the release" in line for line in released.verify("demo"))


@pytest.mark.parametrize("part", [".", MANIFEST])
def test_a_release_that_is_a_link_is_not_followed(part: str, released: Releases) -> None:
    folder = released.folder("demo")
    outside = folder.parent.parent.parent / "outside"
    (folder / part).rename(outside)
    (folder if part == "." else folder / part).symlink_to(outside)
    for look in (released.verify, released.manifest, opened_by(released)):
        with pytest.raises(ReleaseDamaged, match="a link that leads out of the release"):
            look("demo")


@pytest.mark.parametrize(
    "name", ["../demo", "/etc", "a/b", "..", ".hidden", "", "a\0b", "_staging"]
)
def test_no_name_of_a_release_leads_elsewhere(name: str, released: Releases) -> None:
    for look in (released.verify, released.manifest, released.remove, opened_by(released)):
        with pytest.raises(LakeError, match="cannot name a release"):
            look(name)


def test_a_manifest_of_shards_behind_a_link_is_not_read(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "store")
    (tmp_path / "store").mkdir()
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "store" / FOLDER).symlink_to(outside)
    (outside / f"{MONDAY}.json").write_text("{}")
    with pytest.raises(StoreInvalid, match="a link that leads out of the store"):
        read_manifest(lake, MONDAY)
