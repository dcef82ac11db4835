"""The past of a table: what a version holds, what differs between two, and going back to one.

In: a store, a table, versions. Out: frozen records, or one commit. Invariants: going back is a
commit like any other: nothing is rewritten, the log only grows, and what was there before can be
gone back to as well.

Belongs here: show, diff, restore. Goes elsewhere: the log itself (`delta_log`, `Lake.versions`),
reading rows (`Lake.read`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime

from rugs_assets.lake.commits import commit_date
from rugs_assets.lake.delta_log import LoggedFile, snapshot
from rugs_assets.lake.errors import VersionMissing
from rugs_assets.lake.specs import DATE_COLUMN, StoredDate, TableSpec
from rugs_assets.lake.stored_dates import stored_dates
from rugs_assets.lake.tables import Lake

Version = int | datetime | None


@dataclass(frozen=True, slots=True)
class DateChange:
    """A date that two versions hold differently; None where a version does not hold it.

    Attributes:
        before: what the first of the versions holds.
        after: what the second does.
    """

    day: date
    before: StoredDate | None
    after: StoredDate | None

    @property
    def rows(self) -> tuple[int, int]:
        """Rows before and after."""
        return (
            0 if self.before is None else self.before.rows,
            0 if self.after is None else self.after.rows,
        )

    @property
    def differs_in(self) -> tuple[str, ...]:
        """In what the two differ: rows, schema, code, settings, input; or that one is absent."""
        if self.before is None or self.after is None:
            return ("added" if self.before is None else "removed",)
        what = {
            "rows": "content_digest",
            "schema": "schema_version",
            "code": "code_version",
            "settings": "config",
            "input": "input_digest",
            "tally": "tally",
        }
        return tuple(
            name
            for name, field in what.items()
            if getattr(self.before, field) != getattr(self.after, field)
        )


def shown(lake: Lake, spec: TableSpec, version: Version = None) -> list[StoredDate]:
    """What a version holds, date by date.

    Raises:
        TableMissing, VersionMissing, FileDamaged: as they say.
    """
    then = snapshot(lake.store, spec, version)
    return list(stored_dates(lake.store, spec, then.version, then.files).values())


def changes(
    lake: Lake,
    spec: TableSpec,
    before: Version,
    after: Version,
    days: Iterable[date] | None = None,
) -> list[DateChange]:
    """The dates that two versions hold differently, oldest first; among `days`, if given.

    Only their files are opened, so that the cost is that of the differences.

    Raises:
        TableMissing, VersionMissing, FileDamaged: as they say.
    """
    old, new = (snapshot(lake.store, spec, each) for each in (before, after))
    old_files, new_files = _by_date(old.files), _by_date(new.files)
    asked = {*old_files, *new_files} if days is None else set(days)
    differing = [day for day in sorted(asked) if old_files.get(day) != new_files.get(day)]

    def stored(files: dict[date, list[LoggedFile]], version: int) -> dict[date, StoredDate]:
        wanted = [file for day in differing for file in files.get(day, [])]
        return stored_dates(lake.store, spec, version, wanted)

    was, became = stored(old_files, old.version), stored(new_files, new.version)
    return [DateChange(day, was.get(day), became.get(day)) for day in differing]


def restore(
    lake: Lake, spec: TableSpec, version: int | datetime, days: Iterable[date], run_id: str
) -> list[DateChange]:
    """Make dates again what they were at a version; one commit a date, as in a materialization.

    A date is whole at any time; between two dates a reader sees the one restored and the other not
    yet, as after any two runs.

    Args:
        lake: the store.
        spec: the table.
        version: what to go back to.
        days: which dates; each must have been there.
        run_id: said in the log beside the provenance of the rows.

    Returns:
        What changed.

    Raises:
        VersionMissing: a file of that version is gone, or it lacks one of the dates.
        SchemaMismatch: the version was written under another schema than the table has now.
    """
    then = snapshot(lake.store, spec, version)
    files = _by_date(then.files)
    wanted = sorted(set(days))
    with lake.store.publishing(spec.name):  # no vacuum meanwhile
        for day in wanted:
            if day not in files:
                raise VersionMissing(f"version {then.version} of {spec.name} does not hold {day}")
            _refuse_gone(lake, spec, files[day])
        done = changes(lake, spec, None, then.version, wanted)
        for change in done:
            if change.after is not None:  # it is there: its files were just seen
                said = _logged(change.after, run_id, then.version)
                commit_date(lake.store, spec, change.day, files[change.day], said)
    return done


def _logged(stored: StoredDate, run_id: str, version: int) -> dict[str, object]:
    said = asdict(stored)
    kept = ("rows", "schema_version", "content_digest", "code_version", "input_digest", "config")
    return {
        **{name: said[name] for name in kept},
        DATE_COLUMN: stored.day.isoformat(),
        "run_id": run_id,
        "restored_from": version,
    }


def _refuse_gone(lake: Lake, spec: TableSpec, files: Iterable[LoggedFile]) -> None:
    for file in files:
        if lake.store.size(spec.name, file.path) != file.bytes:
            raise VersionMissing(
                f"{spec.name}, {file.day}: {lake.store.path(spec.name, file.path)} was vacuumed; "
                "the date cannot be restored, compute it again"
            )


def _by_date(files: Iterable[LoggedFile]) -> dict[date, list[LoggedFile]]:
    found: dict[date, list[LoggedFile]] = {}
    for file in files:
        found.setdefault(file.day, []).append(file)
    return found
