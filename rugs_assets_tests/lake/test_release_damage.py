"""Not one byte of a release, or of the loader's cache, can change unseen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rugs_assets.lake.dataset import TrainingDataset
from rugs_assets.lake.errors import LakeError
from rugs_assets.lake.release_manifest import ReleaseDamaged
from rugs_assets.lake.releases import ReleaseRequest, Releases
from rugs_assets.lake.steps import EXTRAS, LABELS
from rugs_assets.lake.tables import Lake
from rugs_assets_tests.lake.release_store import BASIS, MONDAY, TUESDAY, make_store

Damage = Callable[[bytes], bytes | None]


def flipped(place: Callable[[int], int]) -> Damage:
    """One bit of the byte at `place(size)` is the other one."""

    def damage(text: bytes) -> bytes:
        at = place(len(text))
        return text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :]

    return damage


DAMAGES: dict[str, Damage] = {
    "first byte": flipped(lambda size: 0),
    "a byte at a quarter": flipped(lambda size: size // 4),
    "middle byte": flipped(lambda size: size // 2),
    "last byte": flipped(lambda size: size - 1),
    "one byte less": lambda text: text[:-1],
    "half": lambda text: text[: len(text) // 2],
    "nothing left": lambda text: b"",
    "one byte more": lambda text: text + b"\n",
    "deleted": lambda text: None,
}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A store with a release, whose files are no links to those of the table; and a cache of it."""
    lake = make_store(tmp_path_factory.mktemp("damage") / "store")
    Releases(lake).create(ReleaseRequest("first", MONDAY, TUESDAY), BASIS)
    for path in files_of(lake):
        text = path.read_bytes()
        path.unlink()
        path.write_bytes(text)
    TrainingDataset.open(lake, release="first", memory_limit=0)
    return lake


def files_of(lake: Lake) -> list[Path]:
    """Every file of the release: the manifest, the index, two files of steps."""
    folder = Releases(lake).folder("first")
    return sorted(path for path in folder.rglob("*") if path.is_file())


def put(path: Path, text: bytes | None) -> None:
    """Make these the bytes of a file; None: take it away."""
    if text is None:
        path.unlink()
    else:
        path.write_bytes(text)


def found_by_verify(lake: Lake) -> list[str]:
    """What `verify` says of the release."""
    try:
        return Releases(lake).verify("first")
    except ReleaseDamaged as error:
        return [str(error)]


def found_by_opening(lake: Lake, memory_limit: int | None) -> str:
    """Why the release is not opened, into RAM or from the cache that was built before."""
    try:
        TrainingDataset.open(lake, release="first", memory_limit=memory_limit)
    except ReleaseDamaged as error:
        return str(error)
    return "nothing"


def check_that_it_is_found(lake: Lake, path: Path, damage: Damage) -> None:
    whole = path.read_bytes()
    put(path, damage(whole))
    try:
        (problem,) = found_by_verify(lake)
        assert path.name in problem
        for limit in (None, 0):
            assert path.name in found_by_opening(lake, limit)
    finally:
        put(path, whole)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_of_any_file_is_found_by_verify_and_by_opening(lake: Lake, damage: str) -> None:
    files = files_of(lake)
    assert [path.suffix for path in files] == [".parquet", ".json", ".parquet", ".parquet"]
    for path in files:
        check_that_it_is_found(lake, path, DAMAGES[damage])
    assert found_by_verify(lake) == []
    assert found_by_opening(lake, None) == found_by_opening(lake, 0) == "nothing"


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.integers(0, 3), share=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_is_found(lake: Lake, number: int, share: float, bit: int) -> None:
    def damage(text: bytes) -> bytes:
        at = int(share * len(text))
        return text[:at] + bytes([text[at] ^ (1 << bit)]) + text[at + 1 :]

    check_that_it_is_found(lake, files_of(lake)[number], damage)


def test_every_byte_of_the_manifest_counts(lake: Lake) -> None:
    path = Releases(lake).folder("first") / "release.json"
    whole = path.read_bytes()
    unseen = []
    try:
        for at in range(0, len(whole), 41):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            try:
                Releases(lake).manifest("first")
                unseen.append(at)
            except ReleaseDamaged:
                pass
    finally:
        path.write_bytes(whole)
    assert unseen == []


def test_without_verification_sizes_the_index_and_the_manifest_are_still_checked(
    lake: Lake,
) -> None:
    for path in files_of(lake):
        whole = path.read_bytes()
        put(path, whole[:-1])
        try:
            with pytest.raises(ReleaseDamaged, match=path.name):
                TrainingDataset.open(lake, release="first", verify=False)
        finally:
            put(path, whole)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_of_any_file_of_the_cache_is_mended_before_it_is_read(
    lake: Lake, damage: str
) -> None:
    dataset = TrainingDataset.open(lake, release="first", memory_limit=0, columns=EXTRAS)
    expected = dataset.batch(np.arange(len(dataset)))
    (cache,) = (path for path in (Path(lake.root) / "_cache").iterdir() if path.is_dir())
    files = sorted(cache.iterdir())
    assert {path.name for path in files} == {"observations", "cache.json", *LABELS, *EXTRAS}
    for number, path in enumerate(files):
        put(path, DAMAGES[damage](path.read_bytes()))
        if number % 5 == 0 or path.name in ("observations", "cache.json"):
            mended = TrainingDataset.open(lake, release="first", memory_limit=0, columns=EXTRAS)
            found = mended.batch(np.arange(len(mended)))
            for name, values in expected.items():
                np.testing.assert_array_equal(found[name], values)
    TrainingDataset.open(lake, release="first", memory_limit=0)


@pytest.mark.parametrize("damage", ["one byte less", "nothing left", "deleted", "one byte more"])
def test_without_verification_a_cache_of_another_size_is_still_mended(
    lake: Lake, damage: str
) -> None:
    (cache,) = (path for path in (Path(lake.root) / "_cache").iterdir() if path.is_dir())
    for path in (cache / "observations", cache / "reward"):
        whole = path.read_bytes()
        put(path, DAMAGES[damage](whole))
        TrainingDataset.open(lake, release="first", memory_limit=0, verify=False)
        assert path.read_bytes() == whole


def test_a_version_is_checked_page_by_page(tmp_path: Path) -> None:
    lake = make_store(tmp_path / "store", [MONDAY])
    (path,) = (tmp_path / "store" / "training_shards").glob("capture_date=*/*.parquet")
    whole = path.read_bytes()
    for at in range(4, len(whole), len(whole) // 50):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        try:
            dataset = TrainingDataset.open(lake, version="latest", columns=EXTRAS)
        except LakeError:
            continue
        # What is not in a page that is read (page headers, statistics) may differ unseen.
        (batch,) = dataset.batches(1_000)
        path.write_bytes(whole)
        intact = TrainingDataset.open(lake, version="latest", columns=EXTRAS)
        (expected,) = intact.batches(1_000)
        for name, values in expected.items():
            np.testing.assert_array_equal(batch[name], values)
