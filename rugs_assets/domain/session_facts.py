"""Session facts: what is known of a session's events without reading them again.

In: a block of one session's decoded events. Out: a `SessionBlock`, small enough to be kept beside
the block: where each game begins, which dates it holds, where each carried value was last set, what
it says about the clock. What follows from all blocks of a session stands in ``sessions``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from rugs_assets.domain import events as ev
from rugs_assets.domain.buttons import FRACTIONS
from rugs_assets.domain.clock import ClockEvidence
from rugs_assets.domain.columns import coded
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

_TELLING = [
    *("seq", "has_zone", "stamped_at", "game_id"),
    *("revealed", "cooldown_timer_ms", "tick"),
]
_READ = [*_TELLING, *CARRIED, "event", "player_id", "button_id", "rugged"]
_READ += ["allow_pre_round_buys", "active"]
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 # the stamps it is taken from are naive too
_MICROSECOND = timedelta(microseconds=1)
_GREATEST_US = 2**62
_COOLDOWN_MS = 15_000
_TICK_MS = 250


@dataclass(slots=True)
class SessionBlock:
    """What is known of a session from one block of its events, without reading them again.

    Attributes:
        first_seq: of its first event; ``last_seq`` of its last.
        begun: (seq, gameId) of each game's first frame in the block, in order; ``opened`` of its
            first frame with presale or play open, from when on its predecessor is settled.
        over: games of which the first frame in the block is a rugged one.
        dates: ISO date -> (first, last) seq of used events that name a game of that date.
        carried: column -> last seq that set it; ``player_id`` only of the own player,
            ``sell_fraction`` by a percentage button.
        revealed: gameId -> seq of the frame that revealed its seed.
        evidence: what frames with a naive stamp say about the clock.
        first_stamp_us: stamp of the first event; ``first_has_zone`` whether it is UTC by its own
            word. ``naive`` events have a stamp that is not.
    """

    first_seq: int
    last_seq: int
    begun: list[tuple[int, str]] = field(default_factory=list)
    opened: list[tuple[int, str]] = field(default_factory=list)
    over: list[str] = field(default_factory=list)
    dates: dict[str, tuple[int, int]] = field(default_factory=dict)
    carried: dict[str, int] = field(default_factory=dict)
    revealed: dict[str, int] = field(default_factory=dict)
    evidence: list[ClockEvidence] = field(default_factory=list)
    first_stamp_us: int = 0
    first_has_zone: bool = False
    naive: int = 0


def describe_block(events: pa.Table) -> SessionBlock:
    """The facts about a block of one session's events (schema `DECODED`, sorted by seq)."""
    seqs = ints(events["seq"])
    block = SessionBlock(int(seqs[0]), int(seqs[-1]))
    zoned = events["has_zone"].to_numpy()
    stamps = ints(events["stamped_at"].cast(pa.int64()))
    block.first_stamp_us, block.first_has_zone = int(stamps[0]), bool(zoned[0])
    block.naive = int((~zoned).sum())
    used = events.select(_READ).filter(events["is_used"])
    if not used.num_rows:
        return block
    used_seqs = ints(used["seq"])
    is_named = {
        name: pc.equal(used["event"], pa.scalar(name)).to_numpy()
        for name in (ev.FRAME, ev.PLAYER_UPDATE, ev.USERNAME, ev.BUTTON)
    }
    _describe_games(block, used, used_seqs, is_named[ev.FRAME])
    for column in CARRIED:
        _last_set(block, column, used_seqs, used[column].is_valid().to_numpy())
    own = is_named[ev.PLAYER_UPDATE] | is_named[ev.USERNAME] | is_named[ev.BUTTON]
    _last_set(block, "player_id", used_seqs, own & used["player_id"].is_valid().to_numpy())
    shares = pc.is_in(used["button_id"], pa.array(FRACTIONS)).to_numpy()
    _last_set(block, "sell_fraction", used_seqs, shares)
    _describe_history(block, used, is_named[ev.FRAME])
    return block


def _describe_games(
    block: SessionBlock, used: pa.Table, seqs: NDArray[np.int64], is_frame: NDArray[np.bool_]
) -> None:
    """Where each game begins and opens, and from where to where each date is named."""
    games, codes = coded(used["game_id"].combine_chunks())
    for date_of, first, last in zip(
        map(game_date, games), *_first_and_last(codes, len(games)), strict=True
    ):
        if date_of is not None:
            day = date_of.isoformat()
            span = int(seqs[first]), int(seqs[last])
            known = block.dates.get(day, span)
            block.dates[day] = min(span[0], known[0]), max(span[1], known[1])
    for counts, into in ((is_frame, block.begun), (_is_open(used), block.opened)):
        firsts, _ = _first_and_last(np.where(counts, codes, -1), len(games))
        found = [(int(seqs[at]), game) for game, at in zip(games, firsts, strict=True) if at >= 0]
        into.extend(sorted(found))
    firsts, _ = _first_and_last(np.where(is_frame, codes, -1), len(games))
    rugged: list[bool | None] = used["rugged"].to_pylist()
    block.over.extend(g for g, at in zip(games, firsts, strict=True) if at >= 0 and rugged[at])


def _first_and_last(codes: NDArray[np.int64], count: int) -> tuple[list[int], list[int]]:
    """For each code the first and last row that has it; -1 where none has."""
    rows = np.flatnonzero(codes >= 0)
    first, last = np.full(count, -1), np.full(count, -1)
    first[codes[rows[::-1]]] = rows[::-1]
    last[codes[rows]] = rows
    return first.tolist(), last.tolist()


def _is_open(events: pa.Table) -> NDArray[np.bool_]:
    """Frames that say presale or play is open."""
    allows, plays = (
        column.to_numpy() == True  # noqa: E712 # elementwise; null is no
        for column in (events["allow_pre_round_buys"], events["active"])
    )
    return np.asarray(allows | plays, bool)


def _last_set(
    block: SessionBlock, column: str, seqs: NDArray[np.int64], is_set: NDArray[np.bool_]
) -> None:
    at = np.flatnonzero(is_set)
    if len(at):
        block.carried[column] = int(seqs[at[-1]])


def _describe_history(block: SessionBlock, used: pa.Table, is_frame: NDArray[np.bool_]) -> None:
    """Revealed games and, where the stamps are naive, what they say about the clock."""
    frames = used.select(_TELLING).filter(pa.array(is_frame))
    naive = ~frames["has_zone"].to_numpy()
    served: list[tuple[int, int]] = []
    for row, shown in _history(frames):
        for game, _ in shown:
            block.revealed.setdefault(game, row["seq"])
        server_us = _server_time(row, [rugged_at for _, rugged_at in shown if rugged_at])
        if server_us is not None and not row["has_zone"]:
            served.append((server_us, (row["stamped_at"] - _EPOCH) // _MICROSECOND))
    if served:
        server_us, stamp = max(served, key=lambda pair: pair[0] - pair[1])
        block.evidence.append(ClockEvidence(stamp, server_us=server_us))
    games, codes = coded(frames["game_id"].combine_chunks())
    firsts, _ = _first_and_last(np.where(naive, codes, -1), len(games))
    stamps = ints(frames["stamped_at"].cast(pa.int64()))
    seen: set[str] = set()
    for at, game in sorted(zip(firsts, games, strict=True)):
        if at >= 0 and game[:8] not in seen:
            seen.add(game[:8])
            evidence = ClockEvidence(int(stamps[at]), game_date=game_date(game))
            block.evidence.append(evidence)


def _history(frames: pa.Table) -> Iterator[tuple[dict[str, Any], list[tuple[str, float | None]]]]:
    """Each frame that shows finished games, with (gameId, rug time) of each of them."""
    shows = frames.filter(frames["revealed"].is_valid()).combine_chunks()
    entries = pc.list_flatten(shows["revealed"].combine_chunks())
    pairs = zip(
        pc.struct_field(entries, "game_id").to_pylist(),
        pc.struct_field(entries, "rugged_at_ms").to_pylist(),
        strict=True,
    )
    counts = pc.list_value_length(shows["revealed"]).to_pylist()
    for row, count in zip(shows.drop_columns(["revealed"]).to_pylist(), counts, strict=True):
        yield row, list(islice(pairs, count))


def _server_time(row: dict[str, Any], rug_times: list[float]) -> int | None:
    """When the server sent a frame: the newest rug it shows, and what has passed since."""
    if not rug_times:
        return None
    tick, cooldown = row["tick"] or 0, row["cooldown_timer_ms"] or 0
    passed = _COOLDOWN_MS + _TICK_MS * tick if tick else _COOLDOWN_MS - cooldown
    server_us = round((max(rug_times) + passed) * 1000)
    return server_us if 0 < server_us < _GREATEST_US else None


def ints(column: Any) -> NDArray[np.int64]:
    """A column without nulls as int64."""
    return np.asarray(column.to_numpy(), dtype=np.int64)
