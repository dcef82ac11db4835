"""Where the steps of a dataset come from: a release, or a version of the table.

In: a store and what is asked for. Out: the files of steps, the index of their episodes, and what
they are called. Invariants: every byte of a release that is read was compared with its sha256 in
the sealed manifest; of a version, every page is checked as it is decoded.

Belongs here: opening. Goes elsewhere: decoding (`steps`), batches (`dataset`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from rugs_assets.domain.features import features_digest
from rugs_assets.lake import delta_log, release_files
from rugs_assets.lake.arguments import Days, dates, whole
from rugs_assets.lake.catalog import TRAINING_SHARDS
from rugs_assets.lake.episode_index import COLUMNS, EpisodeIndex, IndexedFile, index_of
from rugs_assets.lake.errors import FileDamaged, LakeError, SchemaMismatch
from rugs_assets.lake.release_files import place_of, read_whole
from rugs_assets.lake.release_manifest import Manifest, ReleaseDamaged, ReleaseFile
from rugs_assets.lake.steps import StepFile
from rugs_assets.lake.storage import Store
from rugs_assets.lake.tables import Lake

LATEST = "latest"


@dataclass(frozen=True, slots=True)
class Source:
    """Steps that can be read.

    Attributes:
        title: in words, for messages.
        identity: sha256 hex of what the steps are.
        files: where they lie.
        asked: positions of the files of the dates asked for.
        index: their episodes.
        normalisation: moments of the train rows, None where they were not computed yet.
    """

    title: str
    identity: str
    files: tuple[StepFile, ...]
    asked: tuple[int, ...]
    index: EpisodeIndex
    normalisation: dict[str, Any] | None

    def check(self, but: Iterable[int] = ()) -> None:
        """Read the files asked for without decoding them; those at `but` were read already.

        Raises:
            LakeError: one is damaged.
        """
        left = sorted(set(self.asked) - set(but))
        with ThreadPoolExecutor() as pool:
            for _ in pool.map(lambda at: len(self.files[at].read()), left):
                pass


def source_of(
    lake: Lake,
    release: str | None,
    version: int | datetime | str | None,
    days: Days,
    *,
    verify: bool,
) -> Source:
    """The steps of a release or of a version, of which exactly one must be named.

    Raises:
        LakeError: as of `of_release` and `of_version`, or both or none were named.
    """
    if (release is None) == (version is None):
        raise LakeError(
            "name either release=... or version=... (a number, a time, or 'latest'); releases of "
            f"this store: {', '.join(release_files.names_in(lake.store)) or 'none yet'}"
        )
    if release is not None:
        if not isinstance(release, str):
            raise LakeError(f"release={release!r}: a name is needed")
        return of_release(lake, release, days, verify=verify)
    if isinstance(version, str):
        if version != LATEST:
            raise LakeError(f"version={version!r}: a number, a time, or {LATEST!r}")
        version = None
    elif not isinstance(version, datetime):
        version = whole("version", version, 0)
    return of_version(lake, version, days)


def of_release(lake: Lake, name: str, days: Days, *, verify: bool) -> Source:
    """The steps of a release.

    Raises:
        ReleaseError: there is none, or it lacks one of the dates.
        ReleaseDamaged: its manifest, index or the size of a file is not what was released.
        SchemaMismatch: it was made with other features or another schema than this code has.
    """
    manifest = release_files.read_manifest(lake.store, name)
    _refuse_other_features(manifest)
    folder = release_files.folder_of(lake.store, name)
    for file in manifest.files:
        _refuse_other_size(folder, file)
    index = EpisodeIndex.from_bytes(read_whole(folder, manifest.index))
    wanted = _wanted_days(days, manifest.dates, f"release {name}")
    asked = [at for at, file in enumerate(manifest.shards) if wanted is None or file.day in wanted]
    if wanted is not None:
        index = index.of_files(asked)
    files = tuple(_released(folder, file, verify=verify) for file in manifest.shards)
    return Source(
        title=f"release {name}",
        identity=manifest.checksum,
        files=files,
        asked=tuple(asked),
        index=index,
        normalisation=manifest.content["normalisation"] if wanted is None else None,
    )


def of_version(lake: Lake, version: int | datetime | None, days: Days) -> Source:
    """The steps of a version of `training_shards` (None: the latest).

    Raises:
        TableMissing, VersionMissing, SchemaMismatch, FileDamaged: as they say.
        LakeError: the version lacks one of the dates.
        IndexInvalid: the rows are not whole episodes.
    """
    store, spec = lake.store, TRAINING_SHARDS
    table = delta_log.load(store, spec, version)
    found = delta_log.files_of(table)
    title = f"version {table.version()} of {spec.name}"
    wanted = _wanted_days(days, {file.day for file in found}, title)
    logged = [file for file in found if wanted is None or file.day in wanted]
    held = sorted({file.day for file in logged})
    rows = lake.read(spec, held, version=table.version(), columns=list(COLUMNS))
    index = index_of(rows.batches(), [IndexedFile(file.day, file.rows) for file in logged])
    names = "\n".join(f"{file.path}\t{file.bytes}" for file in logged)
    files = tuple(
        StepFile(
            store.path(spec.name, file.path), file.rows, _stored(store, file.path), checked=False
        )
        for file in logged
    )
    return Source(
        title=title,
        identity=hashlib.sha256(names.encode()).hexdigest(),
        files=files,
        asked=(),  # the pages of the index were just checked, and the others are when they are read
        index=index,
        normalisation=None,
    )


def _released(folder: Path, file: ReleaseFile, *, verify: bool) -> StepFile:
    def read() -> bytes:
        return read_whole(folder, file) if verify else place_of(folder, file.path).read_bytes()

    return StepFile(str(folder / file.path), file.rows, read, checked=verify)


def _stored(store: Store, path: str) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            return store.read_bytes(TRAINING_SHARDS.name, path)
        except OSError as error:
            place = store.path(TRAINING_SHARDS.name, path)
            raise FileDamaged(f"{place} cannot be read: {error}") from error

    return read


def _refuse_other_size(folder: Path, file: ReleaseFile) -> None:
    path = place_of(folder, file.path)
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ReleaseDamaged(f"{path} cannot be read: {error}") from error
    if size != file.bytes:
        raise ReleaseDamaged(f"{path} has {size} bytes, expected {file.bytes}")


def _refuse_other_features(manifest: Manifest) -> None:
    found = manifest.content["features"]["digest"]
    stored = manifest.content["schemas"][TRAINING_SHARDS.name]["fingerprint"]
    if found != features_digest() or stored != TRAINING_SHARDS.fingerprint:
        raise SchemaMismatch(
            f"release {manifest.name} was made with features {found[:12]} and schema {stored[:12]},"
            f" this code has {features_digest()[:12]} and {TRAINING_SHARDS.fingerprint[:12]}; open "
            f"it with the code it was made with ({manifest.content['code']}), or create a release "
            "of the same dates with this code"
        )


def _wanted_days(days: Days, held: Iterable[date], title: str) -> set[date] | None:
    wanted, there = dates(days), set(held)
    if wanted is None:
        return None
    if not wanted or wanted - there:
        missing = ", ".join(str(day) for day in sorted(wanted - there)) or "no date"
        raise LakeError(f"{title} does not hold {missing}; it holds {_listed(there)}")
    return wanted


def _listed(days: set[date]) -> str:
    ordered = sorted(days)
    return f"{len(ordered)} dates, {ordered[0]} to {ordered[-1]}" if ordered else "no date"
