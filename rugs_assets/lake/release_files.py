"""The folder of a release: its files, put there whole, checked byte by byte, listed, removed.

A release lies in `releases/<name>/` of a local store: `release.json`, `episodes.parquet` and hard
links to the files of `training_shards` (copies where the file system knows no links). So it needs
no space while the table holds the same rows, survives whatever happens to the table (replaced
dates, vacuum by any tool, a deleted folder), and can be copied as one folder.

Belongs here: paths, links, checksums, the atomic appearance of a folder. Goes elsewhere: what is in
the manifest (`release_manifest`), which dates are fit (`release_basis`).
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from rugs_assets.lake.errors import WriteFailed
from rugs_assets.lake.paths import synced
from rugs_assets.lake.release_manifest import (
    MANIFEST,
    Manifest,
    ReleaseDamaged,
    ReleaseError,
    ReleaseFile,
    checked_name,
    manifest_of,
)
from rugs_assets.lake.storage import Store

FOLDER = "releases"


def folder_of(store: Store, name: str) -> Path:
    """Where a release lies or would lie.

    Raises:
        ReleaseError: the name is none, or the store is not a local folder.
    """
    return _releases(store) / checked_name(name)


def names_in(store: Store) -> list[str]:
    """The names of the releases, sorted; a release that is being made is not among them."""
    if not store.local or not _releases(store).is_dir():
        return []
    return sorted(
        path.name
        for path in _releases(store).iterdir()
        if path.is_dir() and not path.name.startswith("_")
    )


def read_manifest(store: Store, name: str) -> Manifest:
    """The manifest of a release, its seal checked.

    Raises:
        ReleaseError: there is no release of that name.
        ReleaseDamaged: the manifest is missing or not what was written.
    """
    folder = folder_of(store, name)
    if not folder.is_dir():
        known = ", ".join(names_in(store)) or "none yet"
        raise ReleaseError(f"there is no release {name!r} in {store.root}; there are: {known}")
    path = place_of(folder, MANIFEST)
    try:
        manifest = manifest_of(path.read_bytes(), str(path))
    except OSError as error:
        raise ReleaseDamaged(f"{path} cannot be read: {error}") from error
    if manifest.name != name:
        raise ReleaseDamaged(f"{path} is the manifest of another release, {manifest.name!r}")
    return manifest


def kept_versions(store: Store, table: str) -> set[int]:
    """The versions of a table that releases rest on.

    Raises:
        ReleaseDamaged: a manifest cannot be read, so that it is not known what it rests on.
    """
    tables = [read_manifest(store, name).tables for name in names_in(store)]
    return {versions[table] for versions in tables if table in versions}


def linked(source: Path, target: Path) -> None:
    """Put the same file in a second place: a hard link where there can be one, else a copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # another file system, or one that knows no links
        shutil.copyfile(source, target)


def place_of(folder: Path, path: str) -> Path:
    """Where a file of a release lies: in its folder, whatever links there are.

    Raises:
        ReleaseDamaged: a link leads out of the release.
    """
    place = folder / path
    if not place.resolve().is_relative_to(folder.parent.resolve() / folder.name):
        raise ReleaseDamaged(
            f"{place} is reached through a link that leads out of the release; put the file itself "
            "there, from a backup"
        )
    return place


def read_whole(folder: Path, file: ReleaseFile) -> bytes:
    """The bytes of a file of a release, known to be those that the manifest names.

    Raises:
        ReleaseDamaged: it is missing or a byte of it differs.
    """
    path = place_of(folder, file.path)
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ReleaseDamaged(f"{path} cannot be read: {error}") from error
    if hashlib.sha256(text).hexdigest() != file.sha256:
        raise ReleaseDamaged(
            f"{path} is not the file that was released ({len(text)} bytes, expected {file.bytes}, "
            "or another sha256); put it back from a backup or create the release again"
        )
    return text


def problems_of(
    folder: Path, manifest: Manifest, progress: Callable[[int], None] = lambda _: None
) -> list[str]:
    """Read every byte of a release and say what is wrong, a line a file.

    Args:
        folder: the release's folder.
        manifest: what should lie there.
        progress: told the bytes of each file that is done.
    """
    with ThreadPoolExecutor() as pool:
        found = pool.map(lambda file: _problem(folder, file, progress), manifest.files)
        problems = [problem for problem in found if problem]
    named = {MANIFEST, *(file.path for file in manifest.files)}
    others = [
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    ]
    return problems + [
        f"{folder / path} is not part of the release"
        for path in sorted(others)
        if path not in named
    ]


def checksum_of(path: Path) -> str:
    """sha256 hex of a file, in bounded memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def publish(store: Store, staged: Path, name: str) -> None:
    """Make a finished folder the release `name`, whole or not at all.

    Raises:
        ReleaseError: there is one already; the first of two that run at once wins.
        WriteFailed: the storage refused.
    """
    for path in [*staged.rglob("*"), staged]:
        synced(path)
    target = folder_of(store, name)
    try:
        # A folder is renamed onto nothing or an empty folder only, and no release is empty.
        staged.rename(target)
    except OSError as error:
        if target.exists():
            raise ReleaseError(
                f"there is a release {name!r} already; it is never changed"
            ) from None
        raise WriteFailed(f"release {name!r} cannot be published: {error}") from error
    synced(target.parent)


def removed(store: Store, name: str) -> None:
    """Take a release away: for readers at once, from the disk afterwards.

    Raises:
        ReleaseError: there is none.
    """
    folder = folder_of(store, name)
    with store.staging(FOLDER, f"removed-{name}") as staging:
        try:
            folder.rename(staging / name)
        except FileNotFoundError:
            raise ReleaseError(f"there is no release {name!r} in {store.root}") from None


@contextmanager
def held_still(store: Store, tables: Sequence[str]) -> Iterator[None]:
    """No vacuum of these tables runs meanwhile."""
    if not tables:
        yield
        return
    with store.publishing(tables[0]), held_still(store, tables[1:]):
        yield


def _releases(store: Store) -> Path:
    if not store.local:
        raise ReleaseError(
            f"{store.root} is not a folder: releases are made in local stores; copy the release's "
            "folder to where it is needed"
        )
    return Path(store.root) / FOLDER


def _problem(folder: Path, file: ReleaseFile, progress: Callable[[int], None]) -> str | None:
    try:
        path = place_of(folder, file.path)
        size = path.stat().st_size
        if size != file.bytes:
            return f"{path} has {size} bytes, expected {file.bytes}"
        if checksum_of(path) != file.sha256:
            return f"{path} has another sha256 than was released"
    except ReleaseDamaged as error:
        return str(error)
    except OSError as error:
        return f"{folder / file.path} cannot be read: {error}"
    finally:
        progress(file.bytes)
    return None
