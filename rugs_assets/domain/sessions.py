"""Sessions to dates: which game, date and time an event belongs to, and what a date must hold.

In: small facts about all blocks of a session. Out: for each event its game and date, for each date
the span and the context of its partition (`DayPlan`). Its rows are made in ``day_rows``.
Invariants: a game and all its events lie in the date of its gameId, whatever the recorder's clock
said; a date is self-contained: beside its own events it holds, as context, the last event before
them that set each value carried per session, what arrived in between of other dates' games, and the
frames elsewhere that reveal its games' seeds. So every later stage is a pure function of one
partition, and how the days were cut changes no row (design.md 3).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rugs_assets.domain import events as ev
from rugs_assets.domain.clock import GIVEN, ZONED, Clock, find_clock
from rugs_assets.domain.event_rows import game_date
from rugs_assets.domain.session_facts import SessionBlock, describe_block, ints
from rugs_assets.domain.zones import NO_ZONES, Zones


@dataclass(frozen=True, slots=True)
class DayPlan:
    """What to read of a session for one date.

    Attributes:
        first_seq: of the date's own events; ``last_seq`` the last that names one of its games.
        context: seqs of single events to add, marked as context.
    """

    first_seq: int
    last_seq: int
    context: tuple[int, ...] = ()


class Session:
    """A session, from the facts about all its blocks.

    Args:
        session_id: its name.
        blocks: the facts, in any order; blocks may overlap.
        fallback: the date of a session that shows no game and no readable time.
        zones: what was given of the recorders' clocks.
    """

    def __init__(
        self,
        session_id: str,
        blocks: Sequence[SessionBlock],
        *,
        fallback: date | None = None,
        zones: Zones = NO_ZONES,
    ) -> None:
        self.session_id = session_id
        self.blocks = sorted(blocks, key=lambda block: (block.first_seq, block.last_seq))
        self.clock = self._find_clock(zones)
        self._first_frame: dict[str, int] = {}
        for seq, game in sorted(pair for block in self.blocks for pair in block.begun):
            self._first_frame.setdefault(game, seq)
        current = _current_games(self.blocks)
        self._opened: dict[str, int] = {}
        for seq, game in sorted(pair for block in self.blocks for pair in block.opened):
            self._opened.setdefault(game, seq)
        self._games = list(current)
        self._begun = np.array(list(current.values()), np.int64)
        self._dates = [game_date(game) for game in self._games]
        self._named = {date.fromisoformat(day) for block in self.blocks for day in block.dates}
        self._fallback = fallback or min(self._named, default=None) or self._first_day()

    @cached_property
    def days(self) -> frozenset[date]:
        """The dates that have events of this session."""
        begun = {day for day in self._dates if day is not None}
        nameless = {self._fallback} if self.blocks and not self._games else set[date]()
        return frozenset(self._named | begun | nameless)

    @property
    def games(self) -> list[str]:
        """Its games in the order in which they became current."""
        return self._games

    def current_at(self, seqs: NDArray[np.int64]) -> NDArray[np.int64]:
        """Which of `games` is current at each seq, -1 without any.

        That is the one begun last; before the first, the first.
        """
        if not self._games:
            return np.full(len(seqs), -1)
        return np.maximum(np.searchsorted(self._begun, seqs, side="right") - 1, 0)

    def is_of(self, day: date, games: Iterable[str | None]) -> NDArray[np.bool_]:
        """Whether events that belong to these games (None: to none) lie in a date's partition."""
        days = (self._fallback if game is None else game_date(game) for game in games)
        return np.array([found == day for found in days], bool)

    def day_at(self, seq: int) -> date:
        """The date of the game that is current at a seq."""
        game = self._game_at(seq)
        return (game_date(game) if game is not None else None) or self._fallback

    def _game_at(self, seq: int) -> str | None:
        return self._games[int(self.current_at(np.array([seq]))[0])] if self._games else None

    def homeless(self, events: pa.Table) -> NDArray[np.bool_]:
        """Frames that name no game while no game is known yet: they can't be a row of any."""
        if not self._games:
            return np.zeros(events.num_rows, bool)
        early = ints(events["seq"]) < self._begun[0]
        if not early.any():
            return np.zeros(events.num_rows, bool)
        is_frame = events["event"].to_numpy() == ev.FRAME
        return np.asarray(early & is_frame & ~events["game_id"].is_valid().to_numpy())

    def plan(self, day: date) -> DayPlan | None:
        """What to read for a date; None where the session has nothing of it."""
        if day not in self.days:
            return None
        spans = [span for b in self.blocks if (span := b.dates.get(day.isoformat()))]
        starts = [first for first, _ in spans]
        ends = [last for _, last in spans]
        first_block, last_block = self.blocks[0].first_seq, max(b.last_seq for b in self.blocks)
        if not self._games:
            return DayPlan(first_block, last_block)
        for index, game_day in enumerate(self._dates):
            if game_day != day:
                continue
            starts.append(first_block if index == 0 else int(self._begun[index]))
            ends.append(self._settled(index, last_block))
        return DayPlan(min(starts), max(ends))

    def _settled(self, index: int, last_seq: int) -> int:
        """The last seq that may still settle a game: before the next one opens (design.md 6)."""
        if index + 1 == len(self._games):
            return last_seq
        return self._opened.get(self._games[index + 1], last_seq + 1) - 1

    def context(self, plan: DayPlan, straddling: Iterable[pa.Table]) -> tuple[int, ...]:
        """The seqs before a date's first event that a walk over its partition must have seen.

        They set what is carried per session, or are the first frames of games that had begun
        before and whose frames go on within the date's span: a game begins once.

        Args:
            plan: the date's span.
            straddling: the events of the blocks that begin before it and end after its beginning.
        """
        last: dict[str, int] = {}
        if plan.first_seq <= self.blocks[0].first_seq:
            return ()
        going_on = {self._game_at(plan.first_seq - 1)} - {None}
        for block in self.blocks:
            if block.last_seq < plan.first_seq:
                _update_last(last, block)
            elif plan.first_seq <= block.first_seq <= plan.last_seq:
                going_on.update(game for _, game in block.begun)
        for events in straddling:
            is_before = ints(events["seq"]) < plan.first_seq
            for is_part in (is_before, ~is_before):
                part = events.filter(pa.array(is_part))
                if part.num_rows:
                    block = describe_block(part)
                    going_on.update(
                        game for _, game in block.begun if block.first_seq >= plan.first_seq
                    )
                    if block.last_seq < plan.first_seq:
                        _update_last(last, block)
        began = (self._first_frame.get(str(game), plan.first_seq) for game in going_on)
        return tuple(sorted({*last.values(), *(seq for seq in began if seq < plan.first_seq)}))

    def _find_clock(self, zones: Zones) -> Clock:
        if self.blocks and not any(block.naive for block in self.blocks):
            return Clock(0, ZONED)
        given = zones.of(self.session_id)
        if given is not None:
            return Clock(given, GIVEN)
        evidence = (piece for block in self.blocks for piece in block.evidence)
        return find_clock(evidence, assumed_us=zones.assumed_us)

    def _first_day(self) -> date:
        if not self.blocks:
            return date(1970, 1, 1)
        first = self.blocks[0]
        stamp = first.first_stamp_us + (0 if first.first_has_zone else self.clock.offset_us)
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=stamp)).date()


def _update_last(last: dict[str, int], block: SessionBlock) -> None:
    """Take over what a block set later than what is known so far."""
    for column, seq in block.carried.items():
        last[column] = max(seq, last.get(column, -1))


def _current_games(blocks: Iterable[SessionBlock]) -> dict[str, int]:
    """The games that are current in turn, each with the seq from which on it is.

    A game that is seen for the first time when it is over, after another one has begun, never is:
    it is the last word of the game before, overtaken by the first of the next (protocol.md 1).
    """
    begun = sorted((seq, game, game in block.over) for block in blocks for seq, game in block.begun)
    seen: dict[str, tuple[int, bool]] = {}
    for seq, game, is_over in begun:
        seen.setdefault(game, (seq, is_over and bool(seen)))
    return {game: seq for game, (seq, is_straggler) in seen.items() if not is_straggler}
