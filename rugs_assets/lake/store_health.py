"""The health of a store: can it be read, is every file there, what did killed writers leave.

In: a store. Out: findings. By default only logs, sizes and footers are read; `deep` reads every
byte and compares it with the checksum in the log. Nothing is written and no lock waited for long.

Belongs here: judging what is stored. Goes elsewhere: taking clutter away (`maintenance`), whether
rows keep their promises (`date_rules`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from functools import cached_property
from pathlib import Path

from rugs_assets.lake import delta_log, maintenance, release_files
from rugs_assets.lake.catalog import TABLES
from rugs_assets.lake.delta_log import LoggedFile
from rugs_assets.lake.errors import LakeBusy, LakeError, TableMissing, cure_of
from rugs_assets.lake.findings import MAINTENANCE, Finding, Judge, finding_of
from rugs_assets.lake.release_files import problems_of
from rugs_assets.lake.rows import Footer, footers
from rugs_assets.lake.specs import TableSpec
from rugs_assets.lake.storage import Store
from rugs_assets.lake.sweeping import sweep

_BUSY_SECONDS = 0.5
_PIECE = 8 * 2**20
_AGAIN = "materialize the dates again; each line names its command"


class StoreHealth:
    """A store, looked at once.

    Args:
        store: where the tables lie.
        landing: folder of the decoded captures.
        tables: those that belong there.
    """

    def __init__(
        self, store: Store, landing: Path | None = None, tables: Sequence[TableSpec] = TABLES
    ) -> None:
        self._store = store
        self._landing = landing
        self._tables = tables
        self.broken: list[str] = []

    def judges(self, *, deep: bool) -> Iterator[tuple[str, Judge]]:
        """What to ask, in order."""
        yield "tables", self.readable
        yield "stored_files", self.files_present
        yield "schema_versions", self.schemas_current
        yield "releases", lambda: self.releases_whole(deep=deep)
        yield "leftovers", self.leftovers
        yield "clutter", self.clutter
        if deep:
            yield "checksums", self.checksums_hold

    @cached_property
    def loaded(self) -> dict[TableSpec, list[LoggedFile]]:
        """The files of the tables that can be read; tables that cannot are told in `broken`."""
        found = {}
        for spec in self._tables:
            try:
                found[spec] = delta_log.files_of(delta_log.load(self._store, spec))
            except TableMissing:
                if self._store.names(spec.name, "_delta_log"):
                    self.broken.append(f"{spec.name}: its log holds no readable version")
            except LakeError as error:
                self.broken.append(str(error))
        return found

    @cached_property
    def files(self) -> list[tuple[TableSpec, LoggedFile]]:
        """Every file that the latest versions refer to."""
        return [(spec, file) for spec, files in self.loaded.items() for file in files]

    @property
    def has_rows(self) -> bool:
        """Whether any date holds anything."""
        return any(file.rows for _, file in self.files)

    @property
    def largest_date(self) -> int:
        """Bytes of the date that takes most, all tables together."""
        sizes: dict[date, int] = {}
        for _, file in self.files:
            sizes[file.day] = sizes.get(file.day, 0) + file.bytes
        return max(sizes.values(), default=0)

    def last_commits(self) -> Iterator[tuple[datetime, str]]:
        """When each table was last written, by the clock of its writer."""
        for spec in self.loaded:
            for entry in delta_log.log_entries(self._store, spec, limit=1):
                yield entry.at, f"the last commit of {spec.name}"

    def readable(self) -> Finding:
        """Every table has a log that can be read."""
        loaded = self.loaded
        if self.broken:
            return Finding(
                "tables",
                "error",
                "; ".join(self.broken),
                f"put the folder `_delta_log` of the table below {self._store.root} back from a"
                " backup, or move the table's folder away and materialize every date again:"
                " `make run`",
            )
        if not loaded:
            return Finding("tables", "ok", f"nothing is stored at {self._store.root} yet")
        days = {file.day for _, file in self.files}
        size = sum(file.bytes for _, file in self.files)
        return Finding(
            "tables",
            "ok",
            f"{len(loaded)} tables at {self._store.root}: {len(days)} dates,"
            f" {len(self.files)} files, {size / 1e6:,.1f} MB",
        )

    def files_present(self) -> Finding:
        """Every file that a latest version refers to is there, with the size it should have."""
        with ThreadPoolExecutor() as pool:
            sizes = list(
                pool.map(lambda each: self._store.size(each[0].name, each[1].path), self.files)
            )
        told = [
            f"{self._store.path(spec.name, file.path)} "
            + ("is gone" if size is None else f"has {size} bytes, not {file.bytes}")
            + f": `{cure_of(spec.made_by, file.day)}`"
            for (spec, file), size in zip(self.files, sizes, strict=True)
            if size != file.bytes
        ]
        return finding_of("stored_files", told, f"{len(self.files)} files are there", _AGAIN)

    def schemas_current(self) -> Finding:
        """Every file says which schema it was written under, and it is this code's."""
        told: list[str] = []
        for spec, files in self.loaded.items():
            told += self._misread(spec, files)
        return finding_of(
            "schema_versions", told, "every date has the schema of this version", _AGAIN
        )

    def _misread(self, spec: TableSpec, files: list[LoggedFile]) -> list[str]:
        """The files of a table that say of themselves what this code cannot go by."""
        told = []
        for file, said in zip(files, self._footers(spec, files), strict=True):
            if isinstance(said, LakeError):
                told.append(str(said))
            elif (said.schema_version, said.schema_fingerprint) != (
                spec.schema_version,
                spec.fingerprint,
            ):
                told.append(
                    f"{spec.name}, {file.day}: schema version {said.schema_version}, this code has"
                    f" {spec.schema_version}: `{cure_of(spec.made_by, file.day)}`"
                )
        return told

    def _footers(self, spec: TableSpec, files: list[LoggedFile]) -> Sequence[Footer | LakeError]:
        try:
            return footers(self._store, spec, files)  # side by side: the way that is nearly always
        except LakeError:
            return [self._footer(spec, file) for file in files]

    def _footer(self, spec: TableSpec, file: LoggedFile) -> Footer | LakeError:
        try:
            return footers(self._store, spec, [file])[0]
        except LakeError as error:
            return error

    def releases_whole(self, *, deep: bool) -> Finding:
        """Every release has a sealed manifest; deep: every byte of it is as released."""
        names = release_files.names_in(self._store)
        told: list[str] = []
        for name in names:
            try:
                manifest = release_files.read_manifest(self._store, name)
            except LakeError as error:
                told.append(str(error))
                continue
            if deep:
                told += problems_of(release_files.folder_of(self._store, name), manifest)
        return finding_of(
            "releases",
            told,
            f"{len(names)} releases" + (", every byte as released" if deep else ""),
            "put the folder of the release back from a backup; `rugs-assets release rm NAME`"
            " removes one that nobody cites",
        )

    def leftovers(self) -> Finding:
        """Nothing that a killed process left takes up space."""
        swept = sweep(self._store, landing=self._landing, timeout=_BUSY_SECONDS)
        return finding_of(
            "leftovers",
            swept.paths,
            "no killed process left anything behind"
            + (f" (in use, not looked at: {', '.join(swept.busy)})" if swept.busy else ""),
            f"it harms nothing and takes up space: `{MAINTENANCE}`",
            level="warn",
        )

    def clutter(self) -> Finding:
        """No file lies there that no kept version needs and that is older than the retention."""
        told: list[str] = []
        for spec in self.loaded:
            try:
                found = maintenance.vacuum(self._store, spec, timeout=_BUSY_SECONDS)
            except LakeBusy:
                return Finding("clutter", "ok", f"{spec.name} is being written; not looked for")
            told += [f"{spec.name}/{path}" for path in found.files]
        return finding_of(
            "clutter",
            told,
            "no file is there in vain",
            f"no version needs them any more: `{MAINTENANCE}`",
            level="warn",
        )

    def checksums_hold(self) -> Finding:
        """Every byte of the latest versions is what was written."""
        written = {
            (spec.name, path): checksum
            for spec in self.loaded
            for entry in delta_log.log_entries(self._store, spec)
            for path, checksum in entry.checksums
        }
        with ThreadPoolExecutor() as pool:
            found = list(pool.map(lambda each: self._checksum(*each), self.files))
        told = [
            f"{self._store.path(spec.name, file.path)} is not what was written:"
            f" `{cure_of(spec.made_by, file.day)}`"
            for (spec, file), checksum in zip(self.files, found, strict=True)
            if checksum != written.get((spec.name, file.path), checksum) or checksum == ""
        ]
        return finding_of(
            "checksums",
            told,
            f"{len(self.files)} files, every byte as written",
            "find out what changed them (the disk?), move the damaged file away, then materialize"
            " the date again",
        )

    def _checksum(self, spec: TableSpec, file: LoggedFile) -> str:
        """sha256 hex of a stored file; empty where it cannot be read."""
        digest = hashlib.sha256()
        path = self._store.path(spec.name, file.path)
        try:
            with self._store.filesystem.open_input_stream(path, compression=None) as stream:
                while piece := stream.read(_PIECE):
                    digest.update(piece)
        except OSError:
            return ""
        return digest.hexdigest()
