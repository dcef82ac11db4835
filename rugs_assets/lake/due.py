"""Which dates are due, why, and what of them: the decision behind the sensor and the schedules.

In: what the captures hold (`ledger`), what the tables hold (`StoredDate`), what the code of today
would write. Out: a `Verdict` a date. It is the stored rows that are judged, never what somebody
remembers to have run: a date is up to date when its rows are those that a run would write now, and
due when they are not. So it does not matter who made them, which events were missed, or what was
lost. Pure functions; nothing is read here.

Belongs here: due or not, how often and how soon a date is tried again, which dates go first. Goes
elsewhere: reading the tables (`stored_state`), asking Dagster what runs (`orchestration.history`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from rugs_assets.lake.ledger import DateInput, Ledger
from rugs_assets.lake.specs import StoredDate, TableSpec


@dataclass(frozen=True, slots=True)
class JudgedTable:
    """A table, the asset that writes it, and what that asset's code would write it from."""

    spec: TableSpec
    asset: str
    code_version: str
    inputs: tuple[TableSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class Damaged:
    """A stored date that cannot be read, and why."""

    problem: str


Stored = Mapping[str, StoredDate | Damaged]
"""Table name -> what it holds for one date; a table that holds nothing is not in it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done about a date.

    Attributes:
        reason: why it is due, "" when it is up to date.
        assets: what is to be made anew, in the order of the graph.
        wants: names the outcome that is wanted; tries are counted for it.
        waits_for: why it cannot be done yet, "" when it can.
        configs: asset -> the settings (JSON) that its rows were made with; a re-run keeps them.
    """

    day: date
    reason: str
    assets: tuple[str, ...]
    wants: str
    waits_for: str
    configs: Mapping[str, str]

    @property
    def is_due(self) -> bool:
        """Whether anything is to be made anew."""
        return bool(self.reason)


@dataclass(frozen=True, slots=True)
class Patience:
    """How often one outcome is tried for, and how long to wait in between.

    Attributes:
        tries: runs for the same outcome; then it is given up until its input or code changes.
        wait_seconds: after the first; four times as long after each further one.
    """

    tries: int = 3
    wait_seconds: float = 600.0

    def pause(self, ended: Sequence[float], now: float) -> str:
        """Why not to try (again) now; "" when it may be tried.

        Args:
            ended: when the runs for this outcome ended [seconds since 1970].
            now: the time.
        """
        if not ended:
            return ""
        if len(ended) >= self.tries:
            return f"given up after {len(ended)} runs for the same captures and code"
        at = max(ended) + self.wait_seconds * 4 ** (len(ended) - 1)
        if now < at:
            return f"tried {len(ended)} times, again at {datetime.fromtimestamp(at, UTC):%H:%M:%S}"
        return ""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which dates are launched now, and of the others that are due why they are not."""

    launch: tuple[Verdict, ...]
    waiting: tuple[tuple[date, str], ...]


def verdict_on(
    day: date,
    ledger: Ledger,
    stored: Stored,
    tables: Sequence[JudgedTable],
    digest_of: Callable[[Iterable[StoredDate]], str],
) -> Verdict:
    """Judge one date.

    Args:
        day: the date.
        ledger: what the captures hold.
        stored: what the tables hold of the date.
        tables: all tables in the order of the graph, inputs before what is made of them.
        digest_of: what the rows of a table say of its inputs, computed from what those hold.
    """
    source = ledger.of(day)
    if source is None and not stored:
        return Verdict(day, "", (), "", "", {})
    wanted = source.digest if source is not None else ledger.nothing
    reasons = {
        table.spec.name: why
        for table in tables
        if (why := _why_anew(table, stored, wanted, digest_of))
    }
    assets = _with_dependents(tables, {t.asset for t in tables if t.spec.name in reasons})
    first = next(iter(reasons.items()), None)
    return Verdict(
        day=day,
        reason="" if first is None else f"{first[0]} {first[1]}",
        assets=assets,
        wants=_wants(day, wanted, stored, tables, assets),
        waits_for=_waits_for(source, stored, tables, assets),
        configs={
            table.asset: found.config
            for table in tables
            if table.asset in assets
            and isinstance(found := stored.get(table.spec.name), StoredDate)
        },
    )


def choose(
    verdicts: Iterable[Verdict],
    busy: Mapping[date, str],
    pause: Callable[[Verdict], str],
    room: int,
) -> Choice:
    """The oldest due dates that can be launched, no more than there is room for.

    Args:
        verdicts: judged dates.
        busy: dates that somebody is at work on already, with the reason.
        pause: why a date is not to be tried now, "" when it may be; asked only when needed.
        room: how many runs may be launched.
    """
    launch: list[Verdict] = []
    waiting: list[tuple[date, str]] = []
    for verdict in sorted((v for v in verdicts if v.is_due), key=lambda v: v.day):
        if verdict.day in busy:
            waiting.append((verdict.day, busy[verdict.day]))
        elif verdict.waits_for:
            waiting.append((verdict.day, verdict.waits_for))
        elif len(launch) >= room:
            waiting.append((verdict.day, "next batch"))
        elif why := pause(verdict):
            waiting.append((verdict.day, why))
        else:
            launch.append(verdict)
    return Choice(tuple(launch), tuple(waiting))


def _why_anew(
    table: JudgedTable,
    stored: Stored,
    wanted: str,
    digest_of: Callable[[Iterable[StoredDate]], str],
) -> str:
    """Why the rows of a table are not those that a run would write now; "" when they are."""
    found = stored.get(table.spec.name)
    if found is None:
        return "is missing"
    if isinstance(found, Damaged):
        return f"cannot be read: {found.problem}"
    if found.schema_version != table.spec.schema_version:
        return f"has schema version {found.schema_version}, not {table.spec.schema_version}"
    if found.code_version != table.code_version:
        return f"has code version {found.code_version}, not {table.code_version}"
    if not table.inputs:
        # "": the captures of the date cannot be opened, so nobody knows what it should hold.
        return "" if wanted in ("", found.input_digest) else "was made from other captures"
    inputs = [stored.get(spec.name) for spec in table.inputs]
    held = [each for each in inputs if isinstance(each, StoredDate)]
    if len(held) == len(inputs) and found.input_digest != digest_of(held):
        return "was made from what its inputs no longer hold"
    return ""


def _with_dependents(tables: Sequence[JudgedTable], anew: set[str]) -> tuple[str, ...]:
    """These assets and all that are made of them, in the order of the graph."""
    writers = {table.spec.name: table.asset for table in tables}
    for table in tables:
        if any(writers[spec.name] in anew for spec in table.inputs):
            anew.add(table.asset)
    return tuple(dict.fromkeys(table.asset for table in tables if table.asset in anew))


def _wants(
    day: date, wanted: str, stored: Stored, tables: Sequence[JudgedTable], assets: tuple[str, ...]
) -> str:
    """Digest of what the runs would start from: captures, code, and the rows that are kept."""
    lines = [day.isoformat(), wanted]
    for table in tables:
        found = stored.get(table.spec.name)
        lines.append(f"{table.spec.name} {table.code_version} {table.spec.schema_version}")
        if table.asset not in assets and isinstance(found, StoredDate):
            lines.append(found.content_digest)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:20]


def _waits_for(
    source: DateInput | None,
    stored: Stored,
    tables: Sequence[JudgedTable],
    assets: tuple[str, ...],
) -> str:
    """What must happen first, where the captures are to be read at all."""
    if source is None or tables[0].asset not in assets:
        return ""
    if source.blocked:
        return source.blocked
    if source.growing:
        return f"{source.growing} is still written to"
    if source.growing_nearby and stored:
        return f"{source.growing_nearby}, which reveals seeds of it, is still written to"
    return ""
