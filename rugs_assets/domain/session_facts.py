"""Session facts: what is known of a session's events without reading them again.

In: a block of one session's decoded events. Out: a `SessionBlock`, small enough to be kept beside
the block: where each game begins, which dates it holds, where each carried value was last set, what
it says about the clock. What follows from all blocks of a session stands in ``sessions``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rugs_assets.domain import events as ev
from rugs_assets.domain.clock import ClockEvidence
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
    seqs = ints(events["seq"])
    block = SessionBlock(int(seqs[0]), int(seqs[-1]))
    block.first_stamp_us = int(ints(events["stamped_at"].cast(pa.int64()))[0])
    used = events.filter(events["is_used"])
    names = used["event"].to_numpy()
    used_seqs = ints(used["seq"])
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
    stamps = ints(frames["stamped_at"].cast(pa.int64())).tolist()
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


def ints(column: Any) -> NDArray[np.int64]:
    """A column without nulls as int64."""
    return np.asarray(column.to_numpy(), dtype=np.int64)
