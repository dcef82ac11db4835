"""The inventory: what the landing folder holds, and the input of each date.

In: decoded units and the files that were seen. Out: per file the tally of its lines, per date a
`DayInput` that streams the rows of `raw_ws_events` and `rejected_input`. Invariants: materializing
a date reads the decoded blocks of that date only; every line and every event is in exactly one
count. What events *mean* stands in ``domain``; how files are found and decoded in ``landing``.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from datetime import date
from functools import cached_property
from typing import Any

import pyarrow as pa

from rugs_assets.domain.clock import ASSUMED, GIVEN
from rugs_assets.domain.day_rows import belonging, repeats, rows_of_day
from rugs_assets.domain.sessions import DayPlan, Session
from rugs_assets.domain.zones import NO_ZONES, Zones
from rugs_assets.lake.capture_files import UNREADABLE, UNRECOGNISED, CaptureFile
from rugs_assets.lake.day_rejects import UnitRejects, by_day, in_order
from rugs_assets.lake.decoded import DECODER_VERSION
from rugs_assets.lake.session_sources import SessionSource
from rugs_assets.lake.units import Block, FileTally, Unit

TALLY_COLUMNS = ("session_id", "seq", "event", "is_used", "game_id", "stamped_at")


class UnreadableCapture(Exception):
    """A capture file that cannot be opened at all: the date that it names cannot be trusted."""


class Inventory:
    """What the landing folder holds.

    Args:
        units: its decoded units.
        found: all files that were seen.
        default_day: the date of input that names none.
        fingerprint: of the pseudonym key.
        zones: what was given of the recorders' clocks.
    """

    def __init__(
        self,
        units: list[Unit],
        found: list[CaptureFile],
        default_day: date,
        fingerprint: str,
        zones: Zones = NO_ZONES,
    ) -> None:
        self.units = units
        self.unreadable = tuple(file for file in found if file.format == UNREADABLE)
        self.unrecognised = tuple(file.path for file in found if file.format == UNRECOGNISED)
        self.default_day = default_day
        self.fingerprint = fingerprint
        self.zones = zones

    @cached_property
    def files(self) -> tuple[FileTally, ...]:
        """What became of the lines of each capture file."""
        tallies = [tally for unit in self.units for tally in unit.summary.files]
        return tuple(sorted(tallies, key=lambda tally: tally.path))

    @cached_property
    def sources(self) -> dict[str, SessionSource]:
        """The sessions by name, in order."""
        blocks: dict[str, list[tuple[Unit, Block]]] = {}
        for unit in self.units:
            for block in unit.summary.blocks:
                blocks.setdefault(block.session_id, []).append((unit, block))
        sources = {}
        for session_id, found in sorted(blocks.items()):
            found.sort(key=lambda pair: (pair[1].facts.first_seq, pair[1].facts.last_seq))
            session = Session(session_id, [block.facts for _, block in found], zones=self.zones)
            sources[session_id] = SessionSource(session, tuple(found))
        return sources

    @cached_property
    def _sessions_by_day(self) -> dict[date, list[str]]:
        by_day: dict[date, list[str]] = {}
        for session_id, source in self.sources.items():
            for day in source.session.days:
                by_day.setdefault(day, []).append(session_id)
        return by_day

    def sessions_of(self, day: date) -> list[str]:
        """The sessions that have events of a date, in order."""
        return self._sessions_by_day.get(day, [])

    @cached_property
    def _revealing_blocks(self) -> dict[str, list[tuple[str, dict[str, int]]]]:
        """Beginning of a gameId -> (session, what a block reveals) where such a game is among it.

        Of the games of all dates nothing is kept here: a run asks for one date, or a few.
        """
        by_day: dict[str, list[tuple[str, dict[str, int]]]] = {}
        for session_id, source in self.sources.items():
            for _, block in source.blocks:
                revealed = block.facts.revealed
                for begins in {game[:9] for game in revealed}:
                    by_day.setdefault(begins, []).append((session_id, revealed))
        return by_day

    def reveals_of(self, day: date) -> dict[str, list[tuple[str, int]]]:
        """Games of a date whose seeds were revealed, each with the (session, seq) of the frames."""
        begins = day.strftime("%Y%m%d-")
        games: dict[str, list[tuple[str, int]]] = {}
        for session_id, revealed in self._revealing_blocks.get(begins, ()):
            for game, seq in revealed.items():
                if game.startswith(begins):
                    games.setdefault(game, []).append((session_id, seq))
        return games

    @cached_property
    def days(self) -> tuple[date, ...]:
        """The dates that the captures hold, oldest first."""
        days = {day for source in self.sources.values() for day in source.session.days}
        return tuple(sorted(days | set(self.rejects_by_day)))

    def select(self, day: date) -> DayInput:
        """The input of one date.

        Raises:
            UnreadableCapture: where a file that may hold the date cannot be opened.
        """
        for file in self.unreadable:
            named = [part for part in file.path.split("/") if part.startswith("date=")]
            if not named or named[-1] == f"date={day.isoformat()}":
                raise UnreadableCapture(
                    f"{file.path}: cannot be opened ({file.problem}). Mend or remove the file "
                    f"in the captures folder, then materialize {day.isoformat()} again."
                )
        return DayInput(self, day)

    @cached_property
    def rejects_by_day(self) -> dict[date, list[UnitRejects]]:
        """What was rejected, by the date it lies in; input that names none lies in the default."""
        return by_day(self.units, self._day_of_reject)

    def _day_of_reject(self, session_id: str, near_seq: int) -> date:
        source = self.sources.get(session_id)
        return self.default_day if source is None else source.session.day_at(near_seq)


class DayInput:
    """The input of one date: what `raw_ws_events` and `rejected_input` are made of."""

    def __init__(self, inventory: Inventory, day: date) -> None:
        self._inventory = inventory
        self.day = day

    @property
    def _rejects(self) -> list[UnitRejects]:
        return self._inventory.rejects_by_day.get(self.day, [])

    @cached_property
    def _plans(self) -> dict[str, DayPlan]:
        """Session -> what to read of it, in order of the sessions."""
        plans: dict[str, DayPlan] = {}
        for session_id in self._inventory.sessions_of(self.day):
            source = self._inventory.sources[session_id]
            plan = source.session.plan(self.day)
            if plan is not None:
                straddling = source.events(plan.first_seq, plan.first_seq)
                context = source.session.context(plan, straddling)
                plans[session_id] = DayPlan(plan.first_seq, plan.last_seq, context)
        for session_id, seq in self._reveals(plans):
            plan = plans.get(session_id, DayPlan(2**62, -1))
            context = tuple(sorted({*plan.context, seq}))
            plans[session_id] = DayPlan(plan.first_seq, plan.last_seq, context)
        return dict(sorted(plans.items()))

    def _reveals(self, plans: dict[str, DayPlan]) -> list[tuple[str, int]]:
        """Frames of other dates that reveal seeds of this date's games, the first for each game."""
        missing = []
        for frames in self._inventory.reveals_of(self.day).values():
            inside = any(
                session_id in plans
                and (
                    plans[session_id].first_seq <= seq <= plans[session_id].last_seq
                    or seq in plans[session_id].context
                )
                for session_id, seq in frames
            )
            if not inside:
                missing.append(min(frames))
        return sorted(set(missing))

    def events(self) -> Iterator[pa.RecordBatch]:
        """The rows of `raw_ws_events`, session by session, in order of arrival."""
        for session_id, plan in self._plans.items():
            source = self._inventory.sources[session_id]
            events = source.events(plan.first_seq, plan.last_seq, context=plan.context)
            yield from rows_of_day(source.session, self.day, plan, events)

    def rejected(self) -> Iterator[pa.RecordBatch]:
        """The rows of `rejected_input`, by file and position."""
        yield from in_order(self._rejects)

    @cached_property
    def files(self) -> tuple[FileTally, ...]:
        """The capture files that the date rests on, by path."""
        units = {
            id(unit): unit
            for session_id in self._plans
            for unit, _ in self._inventory.sources[session_id].blocks
        }
        paths = {file.path for unit in units.values() for file in unit.summary.files}
        paths.update(*(found.files for found in self._rejects))
        return tuple(file for file in self._inventory.files if file.path in paths)

    @cached_property
    def input_digest(self) -> str:
        """SHA-256 (hex) of the bytes of the capture files that the date rests on.

        And of the clocks among them that settings decided: those change the rows as well.
        """
        files = [(file.path, file.digest) for file in self.files]
        made_of = [f"decoder {DECODER_VERSION}", self._inventory.fingerprint]
        made_of += [f"{path!r} {digest}" for path, digest in files]
        made_of += self._clocks_given()
        return hashlib.sha256("\n".join(made_of).encode()).hexdigest()

    def _clocks_given(self) -> Iterator[str]:
        for session_id in self._plans:
            clock = self._inventory.sources[session_id].session.clock
            if clock.basis in (GIVEN, ASSUMED):
                yield f"clock of {session_id!r} {clock.offset_us}"

    def tally(self) -> dict[str, Any]:
        """What became of the events of the date: kept = used + ignored, by name.

        Events that another file holds as well are kept once and counted as repeated.
        """
        used: Counter[str] = Counter()
        ignored: Counter[str] = Counter()
        repeated: Counter[str] = Counter()
        clocks: dict[str, str] = {}
        for session_id, plan in self._plans.items():
            source = self._inventory.sources[session_id]
            if plan.last_seq < 0:
                continue
            clock = source.session.clock
            clocks[session_id] = f"{clock.offset_us / 3.6e9:+.2f} h, {clock.basis}"
            for events in source.with_repeats(plan.first_seq, plan.last_seq, list(TALLY_COLUMNS)):
                _count(source.session, self.day, events, used, ignored, repeated)
        rejected = sum(map(len, self._rejects))
        return {
            "sessions": len(clocks),
            "kept": used.total() + ignored.total(),
            "used": used.total(),
            "ignored": ignored.total(),
            "repeated": repeated.total(),
            "rejected": rejected,
            "used_by_name": dict(sorted(used.items())),
            "ignored_by_name": dict(sorted(ignored.items())),
            "clocks": clocks,
        }


def _count(
    session: Session,
    day: date,
    events: pa.Table,
    used: Counter[str],
    ignored: Counter[str],
    repeated: Counter[str],
) -> None:
    games = belonging(session, events)
    own = session.is_of(day, games.names)[games.codes]
    is_used = events["is_used"].to_numpy() & ~session.homeless(events)
    again = repeats(events)
    first = own & ~again
    parts = ((first & is_used, used), (first & ~is_used, ignored), (own & again, repeated))
    for keep, into in parts:
        names = events["event"].filter(pa.array(keep)).value_counts()
        for name, count in zip(*(part.to_pylist() for part in names.flatten()), strict=True):
            into[str(name)] += int(str(count))
