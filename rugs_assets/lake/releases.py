"""Releases: named, immutable sets of dates that a training run cites and can open in a year.

In: dates of the tables, filters, the rules that must hold. Out: a folder that holds all a trainer
needs, or a refusal that names every date that is not fit and the command that cures it. Invariants:
a release appears whole or not at all and is never changed; the same rows give the same checksum in
every store; what it rests on was judged anew at exactly the versions that it names.

Belongs here: the verbs. Goes elsewhere: the manifest (`release_manifest`), fitness
(`release_basis`, `release_rules`, `date_rules`), files (`release_files`), reading (`dataset`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rugs_assets.lake import release_files
from rugs_assets.lake.dataset_cache import forget_cache
from rugs_assets.lake.date_rules import RULES
from rugs_assets.lake.errors import WriteFailed
from rugs_assets.lake.release_basis import (
    Basis,
    Pinned,
    PinnedDate,
    dates_between,
    pinned_to_latest,
    unfit_dates,
)
from rugs_assets.lake.release_content import Selection, content_of, staged_files
from rugs_assets.lake.release_diff import Difference, differences
from rugs_assets.lake.release_filters import condition_of
from rugs_assets.lake.release_manifest import (
    MANIFEST,
    Manifest,
    ReleaseDamaged,
    ReleaseError,
    ReleaseRefused,
)
from rugs_assets.lake.release_rules import Rules, judged
from rugs_assets.lake.tables import Lake


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """What a release is to hold.

    Attributes:
        name: how it is called.
        first: the first capture date.
        last: the last capture date.
        where: conditions on `episodes` that all must hold, as texts (see `release_filters`).
        skip_absent: leave out dates of which no table holds anything (nothing was recorded then);
            otherwise they are refused as missing.
    """

    name: str
    first: date
    last: date
    where: tuple[str, ...] = ()
    skip_absent: bool = False


class Releases:
    """The releases of a store.

    Args:
        lake: the store; releases are made in local ones.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._store = lake.store

    def create(
        self,
        request: ReleaseRequest,
        basis: Basis,
        rules: Rules = RULES,
        progress: Callable[[date], None] = lambda _: None,
    ) -> Manifest:
        """Cut a release from the latest versions of the tables.

        Args:
            request: what it is to hold.
            basis: the tables it rests on, and what the caller's code expects of them.
            rules: the rules that are judged on every date.
            progress: told each date whose rules were judged.

        Raises:
            ReleaseRefused: dates are missing, stale, of other code or schema, or break a rule.
            ReleaseError: the name is taken or cannot be one, or a condition cannot be read.
            WriteFailed: the storage refused; nothing is left behind.
        """
        conditions = tuple(condition_of(text) for text in request.where)
        if release_files.folder_of(self._store, request.name).exists():
            raise ReleaseError(
                f"there is a release {request.name!r} already; it is never changed: choose "
                f"another name, or `rugs-assets release rm {request.name}` first"
            )
        days, absent = self._dates(request, basis)
        pinned = pinned_to_latest(self._lake, basis, days)
        _refuse(request.name, unfit_dates(pinned, basis, days))
        dates = [PinnedDate(pinned, day) for day in days]
        checks, problems = judged(rules, dates, progress)
        _refuse(request.name, problems)
        selection = Selection(tuple(days), tuple(absent), conditions, tuple(checks))
        try:
            return self._made(request.name, pinned, basis, selection)
        except OSError as error:
            raise WriteFailed(
                f"release {request.name!r} cannot be written to {self._lake.root}: {error}; make "
                "room or restore access, then create it again"
            ) from error

    def names(self) -> list[str]:
        """The names of all releases, sorted."""
        return release_files.names_in(self._store)

    def manifest(self, name: str) -> Manifest:
        """What a release says of itself.

        Raises:
            ReleaseError: there is none of that name.
            ReleaseDamaged: the manifest is not what was written.
        """
        return release_files.read_manifest(self._store, name)

    def folder(self, name: str) -> Path:
        """Where a release lies."""
        return release_files.folder_of(self._store, name)

    def verify(self, name: str, progress: Callable[[int], None] = lambda _: None) -> list[str]:
        """Read every byte of a release again.

        Args:
            name: the release.
            progress: told the bytes of each file that is done.

        Returns:
            A line for each file that is missing, changed or not part of it; none when it is whole.

        Raises:
            ReleaseError: there is none of that name.
            ReleaseDamaged: the manifest itself is not what was written.
        """
        return release_files.problems_of(self.folder(name), self.manifest(name), progress)

    def diff(self, one: str, other: str) -> list[Difference]:
        """What differs between two releases; nothing when they hold the same."""
        return differences(self.manifest(one), self.manifest(other))

    def remove(self, name: str) -> None:
        """Take a release away, with the loader's cache when no other release has the same rows.

        Raises:
            ReleaseError: there is none of that name.
        """
        try:
            checksum = self.manifest(name).checksum
        except ReleaseDamaged:
            checksum = None  # it can be removed all the same; its cache cannot be told
        release_files.removed(self._store, name)
        if checksum is not None and checksum not in {
            self.manifest(other).checksum for other in self.names()
        }:
            forget_cache(self._store, checksum)

    def _dates(self, request: ReleaseRequest, basis: Basis) -> tuple[list[date], list[date]]:
        if request.last < request.first:
            raise ReleaseError(f"{request.last} is before {request.first}")
        held, absent = dates_between(self._lake, basis, request.first, request.last)
        if not held:
            raise ReleaseRefused(
                request.name,
                (f"no table holds a date from {request.first} to {request.last}",),
            )
        return (held, absent) if request.skip_absent else (sorted([*held, *absent]), [])

    def _made(self, name: str, pinned: Pinned, basis: Basis, selection: Selection) -> Manifest:
        tables = [each.spec.name for each in basis.tables]
        with self._store.staging(release_files.FOLDER, name) as staging:
            folder = staging / "release"
            folder.mkdir()
            with release_files.held_still(self._store, tables[-1:]):
                _refuse(name, pinned.files_gone())
                files = staged_files(pinned, basis.tables[-1].spec, selection, folder)
            manifest = content_of(name, pinned, basis, selection, files, folder)
            (folder / MANIFEST).write_bytes(manifest.to_bytes())
            with release_files.held_still(self._store, tables):
                _refuse(name, pinned.files_gone())
                release_files.publish(self._store, folder, name)
        return manifest


def _refuse(name: str, problems: Sequence[str]) -> None:
    if problems:
        raise ReleaseRefused(name, tuple(problems))
