"""Sessions to dates: which game, date and time an event belongs to, and what a date must hold.

In: per session the decoded events (blocks sorted by seq) and small facts about all of its blocks.
Out: the rows of `raw_ws_events` of one date. Grain: one used event.
Invariants: a game and all its events lie in the date of its gameId, whatever the recorder's clock
said; a date is self-contained: beside its own events it holds, with ``is_context``, the last
event before them that set each value carried per session, what arrived in between of other dates'
games, and the frames elsewhere that reveal its games' seeds. So every later stage is a pure function
of one partition, and how the days were cut changes no row (design.md 3).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rugs_assets.domain import events as ev
from rugs_assets.domain.clock import Clock, ClockEvidence, find_clock
from rugs_assets.domain.event_rows import game_date

CARRIED = (
    "connected_players",
    "average_multiplier",
    "count_2x",
    "count_10x",
    "count_50x",
    "count_100x",
    "highest_today",
    "rugpool_amount",
    "rugpool_threshold",
    "instarug_count",
    "balance",
)
"""Columns whose last value lasts for the session: what the context of a date must restore."""

_COOLDOWN_MS = 15_000
_TICK_MS = 250


@dataclass(slots=True)
class SessionBlock:
    """What is known of a session from one block of its events, without reading them again.

    Attributes:
        first_seq: of its first event; ``last_seq`` of its last.
        begun: (seq, gameId) of each game's first frame in the block, in order; ``opened`` of its
            first frame with presale or play open, from when on its predecessor is settled.
        dates: ISO date -> (first, last) seq of used events that name a game of that date.
        carried: column -> last seq that set it; ``player_id`` only of the own player.
        revealed: gameId -> seq of the frame that revealed its seed.
        evidence: what frames with a naive stamp say about the clock.
        first_stamp_us: stamp of the first event, and whether it is UTC by its own word.
    """

    first_seq: int
    last_seq: int
    begun: list[tuple[int, str]] = field(default_factory=list)
    opened: list[tuple[int, str]] = field(default_factory=list)
    dates: dict[str, tuple[int, int]] = field(default_factory=dict)
    carried: dict[str, int] = field(default_factory=dict)
    revealed: dict[str, int] = field(default_factory=dict)
    evidence: list[ClockEvidence] = field(default_factory=list)
    first_stamp_us: int = 0


def describe_block(events: pa.Table) -> SessionBlock:
    """The facts about a block of one session's events (schema `DECODED`, sorted by seq)."""
    seqs = _ints(events["seq"])
    block = SessionBlock(int(seqs[0]), int(seqs[-1]))
    block.first_stamp_us = int(_ints(events["stamped_at"].cast(pa.int64()))[0])
    used = events.filter(events["is_used"])
    names = used["event"].to_numpy()
    used_seqs = _ints(used["seq"])
    games = used["game_id"].to_numpy()
    seen: set[str] = set()
    opened: set[str] = set()
    is_open = _is_open(used)
    for seq, name, game, opens in zip(used_seqs.tolist(), names, games, is_open, strict=True):
        if game is None:
            continue
        if opens and game not in opened:
            opened.add(game)
            block.opened.append((seq, game))
        day = game_date(game)
        if day is not None:
            first, _ = block.dates.get(day.isoformat(), (seq, seq))
            block.dates[day.isoformat()] = (first, seq)
        if name == ev.FRAME and game not in seen:
            seen.add(game)
            block.begun.append((seq, game))
    for column in CARRIED:
        _last_set(block, column, used_seqs, used[column].is_valid().to_numpy())
    own = np.isin(names.astype(str), [ev.PLAYER_UPDATE, ev.USERNAME, ev.BUTTON])
    _last_set(block, "player_id", used_seqs, own & used["player_id"].is_valid().to_numpy())
    _describe_history(block, used, names)
    return block


def _is_open(events: pa.Table) -> NDArray[np.bool_]:
    """Frames that say presale or play is open."""
    columns = (events["allow_pre_round_buys"], events["active"])
    allows, plays = (column.to_numpy() == True for column in columns)  # noqa: E712 # null is no
    return np.asarray(allows | plays, bool)


def _last_set(
    block: SessionBlock, column: str, seqs: NDArray[np.int64], is_set: NDArray[np.bool_]
) -> None:
    at = np.flatnonzero(is_set)
    if len(at):
        block.carried[column] = int(seqs[at[-1]])


def _describe_history(block: SessionBlock, used: pa.Table, names: NDArray[np.object_]) -> None:
    """Revealed games and, where the stamps are naive, what they say about the clock."""
    frames = used.filter(pa.array(names.astype(str) == ev.FRAME))
    dates_seen: dict[str, ClockEvidence] = {}
    columns = ("seq", "has_zone", "game_id", "revealed", "cooldown_timer_ms", "tick")
    stamps = _ints(frames["stamped_at"].cast(pa.int64())).tolist()
    for stamp, (seq, has_zone, game, revealed, cooldown, tick) in zip(
        stamps, zip(*(frames[name].to_pylist() for name in columns), strict=True), strict=True
    ):
        for entry in revealed or ():
            block.revealed.setdefault(entry["game_id"], seq)
        if has_zone:
            continue
        rug_times = [e["rugged_at_ms"] for e in revealed or () if e["rugged_at_ms"]]
        if rug_times and not any(piece.server_us for piece in block.evidence):
            passed = _TICK_MS * (tick or 0)
            passed += _COOLDOWN_MS - (cooldown or 0) if not tick else _COOLDOWN_MS
            server_us = round((max(rug_times) + passed) * 1000)
            block.evidence.append(ClockEvidence(stamp, server_us=server_us))
        if game is not None and game[:8] not in dates_seen:
            dates_seen[game[:8]] = ClockEvidence(stamp, game_date=game_date(game))
    block.evidence.extend(dates_seen.values())


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
    """

    def __init__(
        self, session_id: str, blocks: Sequence[SessionBlock], *, fallback: date | None = None
    ) -> None:
        self.session_id = session_id
        self.blocks = sorted(blocks, key=lambda block: (block.first_seq, block.last_seq))
        evidence = [piece for block in self.blocks for piece in block.evidence]
        self.clock: Clock = find_clock(sorted(evidence, key=lambda piece: piece.server_us is None))
        first_seen: dict[str, int] = {}
        for seq, game in sorted(pair for block in self.blocks for pair in block.begun):
            first_seen.setdefault(game, seq)
        self._opened: dict[str, int] = {}
        for seq, game in sorted(pair for block in self.blocks for pair in block.opened):
            self._opened.setdefault(game, seq)
        self._games = list(first_seen)
        self._begun = np.array(list(first_seen.values()), np.int64)
        self._dates = [game_date(game) for game in self._games]
        self._fallback = fallback or self._first_day()

    @property
    def days(self) -> set[date]:
        """The dates that have events of this session."""
        named = {date.fromisoformat(day) for block in self.blocks for day in block.dates}
        begun = {day for day in self._dates if day is not None}
        return named | begun or ({self._fallback} if self.blocks else set())

    def games_at(self, seqs: NDArray[np.int64]) -> list[str | None]:
        """The game that is current at each seq: the one begun last; before the first, the first."""
        if not self._games:
            return [None] * len(seqs)
        at = np.maximum(np.searchsorted(self._begun, seqs, side="right") - 1, 0)
        return [self._games[index] for index in at.tolist()]

    def days_at(self, seqs: NDArray[np.int64]) -> list[date]:
        """The date of the game that is current at each seq."""
        if not self._games:
            return [self._fallback] * len(seqs)
        at = np.maximum(np.searchsorted(self._begun, seqs, side="right") - 1, 0)
        return [self._dates[index] or self._fallback for index in at.tolist()]

    def homeless(self, events: pa.Table) -> NDArray[np.bool_]:
        """Frames that name no game while no game is known yet: they can't be a row of any."""
        if not self._games:
            return np.zeros(events.num_rows, bool)
        early = _ints(events["seq"]) < self._begun[0]
        is_frame = events["event"].to_numpy().astype(str) == ev.FRAME
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

    def context(self, first_seq: int, straddling: Iterable[pa.Table]) -> tuple[int, ...]:
        """The seqs before a date's first event that set what is carried per session.

        Args:
            first_seq: of the date's first event.
            straddling: the events of the blocks that begin before it and end after it.
        """
        last: dict[str, int] = {}
        for block in self.blocks:
            if block.last_seq < first_seq:
                for column, seq in block.carried.items():
                    last[column] = max(seq, last.get(column, -1))
        for events in straddling:
            before = events.filter(pa.array(_ints(events["seq"]) < first_seq))
            if before.num_rows:
                for column, seq in describe_block(before).carried.items():
                    last[column] = max(seq, last.get(column, -1))
        return tuple(sorted(set(last.values())))

    def _first_day(self) -> date:
        if not self.blocks:
            return date(1970, 1, 1)
        stamp = self.blocks[0].first_stamp_us + self.clock.offset_us
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=stamp)).date()


def rows_of_day(
    session: Session, day: date, plan: DayPlan, events: Iterable[pa.Table]
) -> Iterator[pa.RecordBatch]:
    """The rows of `raw_ws_events` of one date and session.

    Args:
        session: the session.
        day: the date.
        plan: with the context to add.
        events: blocks of its events in order of seq, repeats removed (schema `DECODED`).

    Yields:
        Batches in the schema `RAW_WS_EVENTS`, in order of arrival.
    """
    context = np.array(plan.context, np.int64)
    for block in events:
        used = block.filter(block["is_used"])
        if not used.num_rows:
            continue
        seqs = _ints(used["seq"])
        games = belonging(session, used)
        own = np.array([game is None or game_date(game) == day for game in games], bool)
        between = (seqs >= plan.first_seq) & (seqs <= plan.last_seq)
        keep = (own | between | np.isin(seqs, context)) & ~session.homeless(used)
        if keep.any():
            yield _as_rows(session, used, games, own, keep)


def belonging(session: Session, events: pa.Table) -> list[str | None]:
    """The game of each event: the one it names, else the one current in its session."""
    named = events["game_id"].to_pylist()
    current = session.games_at(_ints(events["seq"]))
    return [own if own is not None else other for own, other in zip(named, current, strict=True)]


def _as_rows(
    session: Session,
    events: pa.Table,
    games: list[str | None],
    own: NDArray[np.bool_],
    keep: NDArray[np.bool_],
) -> pa.RecordBatch:
    stamped = _ints(events["stamped_at"].cast(pa.int64()))
    naive = ~events["has_zone"].to_numpy()
    received = stamped + np.where(naive, session.clock.offset_us, 0)
    columns = {name: events[name].combine_chunks() for name in events.schema.names}
    columns |= {
        "received_at": pa.array(received, pa.timestamp("us", "UTC")),
        "episode_id": pa.array(games, pa.string()),
        "is_context": pa.array(~own),
    }
    arrays = [columns[name] for name in ev.RAW_WS_EVENTS.names]
    return pa.RecordBatch.from_arrays(arrays, schema=ev.RAW_WS_EVENTS).filter(pa.array(keep))


def _ints(column: Any) -> NDArray[np.int64]:
    return np.asarray(column.to_numpy(), dtype=np.int64)
