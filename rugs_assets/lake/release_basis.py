"""What a release rests on: tables at pinned versions, and whether their dates fit together.

In: a store, the dates wanted, what the caller's code expects of each table. Out: the versions, and
for every date that is not fit a line that names it and the command that cures it. Invariants: all
that is judged is read at the pinned versions; a date made from what its inputs no longer hold is
refused, so that a release never mixes two versions of the same date.

Belongs here: presence, schema, code, settings and lineage of dates. Goes elsewhere: rules about
rows (`date_rules`), what is done with them (`releases`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa

from rugs_assets.lake.delta_log import LoggedFile, files_of, load
from rugs_assets.lake.errors import cure_of
from rugs_assets.lake.rows import Rows, check_schema
from rugs_assets.lake.specs import StoredDate, TableSpec
from rugs_assets.lake.stored_dates import stored_dates
from rugs_assets.lake.tables import Lake


@dataclass(frozen=True, slots=True)
class BasisTable:
    """A table that a release rests on.

    Attributes:
        spec: the table.
        code_version: version of the code that must have computed its dates.
        inputs: the tables its rows are computed from, where those are judged too.
    """

    spec: TableSpec
    code_version: str
    inputs: tuple[TableSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class Basis:
    """All tables of a release, in the order of the data flow; the last one holds its rows.

    Attributes:
        tables: the tables.
        digest_of: what a date's provenance says of its inputs, computed from what they hold.
    """

    tables: tuple[BasisTable, ...]
    digest_of: Callable[[Iterable[StoredDate]], str]


@dataclass(frozen=True, slots=True)
class Pinned:
    """The versions of the tables, and what they hold of the dates of a release."""

    lake: Lake
    versions: Mapping[str, int]
    stored: Mapping[tuple[str, date], StoredDate]
    files: Mapping[tuple[str, date], Sequence[LoggedFile]]

    def files_gone(self) -> list[str]:
        """A line for every date of which a file is no longer there."""
        return [
            f"{day}: {self.lake.store.uri(table)}/{path} is gone (vacuumed meanwhile, or the store "
            "was moved); create the release again"
            for (table, day), stored in self.stored.items()
            for path in stored.files
            if self.lake.store.size(table, path) is None
        ]


class PinnedDate:
    """One date of the pinned versions, as a rule sees it (`date_rows.DateRows`)."""

    def __init__(self, pinned: Pinned, day: date) -> None:
        self._day = day
        self._pinned = pinned
        self._judged_schemas: set[str] = set()

    @property
    def date(self) -> date:
        """The capture date."""
        return self._day

    def stored(self, table: TableSpec) -> StoredDate:
        """What the table holds for the date."""
        return self._pinned.stored[table.name, self._day]

    def batches(
        self, table: TableSpec, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The rows in stored order, with bounded memory."""
        yield from self._rows(table, columns).batches()

    def table(self, table: TableSpec, columns: Sequence[str] | None = None) -> pa.Table:
        """The rows in stored order, all at once."""
        return self._rows(table, columns).to_arrow()

    def schemas(self, table: TableSpec) -> Iterator[tuple[str, pa.Schema]]:
        """(file, the schema in its footer) of every file."""
        yield from self._rows(table).schemas()

    def _rows(self, table: TableSpec, columns: Sequence[str] | None = None) -> Rows:
        # As `Lake.read` does, but the log is read once for all rules and dates, not for each.
        store, files = self._pinned.lake.store, self._pinned.files[table.name, self._day]
        if table.name not in self._judged_schemas:
            check_schema(store, table, files)
            self._judged_schemas.add(table.name)
        return Rows(store, table, files, table.schema.names if columns is None else columns)


def pinned_to_latest(lake: Lake, basis: Basis, days: Sequence[date]) -> Pinned:
    """Pin every table to its latest version and look at the dates there.

    Raises:
        TableMissing: a table was never written.
        SchemaMismatch, FileDamaged: a file cannot be told apart from damage.
    """
    wanted = set(days)
    versions: dict[str, int] = {}
    stored: dict[tuple[str, date], StoredDate] = {}
    logged: dict[tuple[str, date], list[LoggedFile]] = {}
    for each in basis.tables:
        table = load(lake.store, each.spec)
        versions[each.spec.name] = table.version()
        files = [file for file in files_of(table) if file.day in wanted]
        for file in files:
            logged.setdefault((each.spec.name, file.day), []).append(file)
        for day, found in stored_dates(
            lake.store, each.spec, versions[each.spec.name], files
        ).items():
            stored[each.spec.name, day] = found
    return Pinned(lake, versions, stored, logged)


def dates_between(
    lake: Lake, basis: Basis, first: date, last: date
) -> tuple[list[date], list[date]]:
    """The dates from first to last: those that any table of the basis holds, and the others."""
    held = {day for each in basis.tables for day in lake.days(each.spec)}
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [day for day in days if day in held], [day for day in days if day not in held]


def unfit_dates(pinned: Pinned, basis: Basis, days: Sequence[date]) -> list[str]:
    """A line for every date and table that is missing, stale or of another schema, code or config.

    A date is named once an asset, at the first reason; one that no table holds has a single line.
    """
    usual = {each.spec.name: _usual_config(pinned, each, days) for each in basis.tables}
    problems: list[str] = []
    for day in days:
        if not any((each.spec.name, day) in pinned.stored for each in basis.tables):
            problems.append(
                f"{day}: no table holds it; cure: dagster asset materialize --select '*' "
                f"--partition {day}, or leave out what was not recorded (--skip-absent; "
                "skip_absent in the launchpad)"
            )
            continue
        named: set[str] = set()
        for each in basis.tables:
            why = _why_unfit(pinned, basis, each, day, usual[each.spec.name])
            if why is not None and each.spec.made_by not in named:
                named.add(each.spec.made_by)
                cure = cure_of(each.spec.made_by, day)
                problems.append(f"{day}: {each.spec.name} {why}; cure: {cure}")
    return problems


def _why_unfit(pinned: Pinned, basis: Basis, each: BasisTable, day: date, usual: str) -> str | None:
    found = pinned.stored.get((each.spec.name, day))
    if found is None:
        return "is missing"
    if found.schema_version != each.spec.schema_version:
        return (
            f"has schema version {found.schema_version}, this code has {each.spec.schema_version}"
        )
    if found.code_version != each.code_version:
        return f"was computed by code version {found.code_version!r}, not {each.code_version!r}"
    if found.config != usual:
        return f"was computed with settings {found.config}, other dates with {usual}"
    inputs = [pinned.stored.get((spec.name, day)) for spec in each.inputs]
    held = [stored for stored in inputs if stored is not None]
    if each.inputs and len(held) == len(inputs) and found.input_digest != basis.digest_of(held):
        names = ", ".join(spec.name for spec in each.inputs)
        return f"was made from what {names} no longer hold"
    return None


def _usual_config(pinned: Pinned, each: BasisTable, days: Sequence[date]) -> str:
    """The settings of most dates; of two as frequent, those of the older date."""
    found = [pinned.stored.get((each.spec.name, day)) for day in days]
    counted = Counter(stored.config for stored in found if stored is not None)
    return counted.most_common(1)[0][0] if counted else "{}"
