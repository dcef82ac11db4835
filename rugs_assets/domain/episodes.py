"""Games: where each starts and ends, whether it is whole, which session saw it best.

In: the rows of `raw_ws_events` of one date. Out: `episodes`, one row a game of the date.
Grain: one game. Invariants: no game disappears (one that is not kept says why); of a game that
several sessions saw, one session's view is taken, never a mixture; the terminal tick is that of the
first rugged frame, whatever came after it; the fairness verdict rests on every frame's price and on
every history entry of the game within the partition. What a row of a game is stands in ``frames``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from rugs_assets.domain import events as ev
from rugs_assets.domain import fairness
from rugs_assets.domain.columns import optional, required
from rugs_assets.domain.event_columns import EventColumns
from rugs_assets.domain.event_rows import game_date
from rugs_assets.domain.fairness import Revealed, Verdict
from rugs_assets.domain.frames import FRAME_STATE, FrameKind
from rugs_assets.domain.game_views import GameView, note_frames
from rugs_assets.domain.keeping import DEFAULT_RULES, UNFAIR, EpisodeRules, excluded_because
from rugs_assets.domain.observation_pass import ObservationPass
from rugs_assets.domain.session_blocks import session_blocks
from rugs_assets.domain.violations import Violations, violations

if TYPE_CHECKING:
    from rugs_assets.domain.segmenter import Episode, EpisodeSegmenter

__all__ = ["EPISODES", "Episode", "EpisodeRules", "EpisodeSegmenter", "episodes_of"]


def __getattr__(name: str) -> Any:
    """The event-list face is found here too; it rests on this module, so it is loaded late."""
    if name in ("Episode", "EpisodeSegmenter"):
        from rugs_assets.domain import segmenter

        return getattr(segmenter, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


EPISODES = pa.schema(
    [
        required("episode_id", pa.string()),
        required("session_id", pa.string()),
        optional("player_id", pa.string()),
        required("has_player", pa.bool_()),
        optional("game_version", pa.string()),
        required("first_received_at", pa.timestamp("us", "UTC")),
        required("last_received_at", pa.timestamp("us", "UTC")),
        optional("first_tick", pa.int32()),
        optional("last_tick", pa.int32()),
        required("frames", pa.int64()),
        required("rows", pa.int64()),
        required("ticks", pa.int64()),
        required("missing_ticks", pa.int64()),
        required("late_frames", pa.int64()),
        required("duplicate_frames", pa.int64()),
        required("post_rug_frames", pa.int64()),
        required("is_terminal", pa.bool_()),
        optional("terminal_tick", pa.int32()),
        required("is_complete", pa.bool_()),
        optional("rug_price", pa.float64()),
        optional("peak_price", pa.float64()),
        optional("peak_multiplier", pa.float64()),
        optional("server_seed", pa.string()),
        optional("server_seed_hash", pa.string()),
        required("fairness", pa.string()),
        optional("fairness_detail", pa.string()),
        required("other_sessions", pa.int64()),
        optional("excluded_because", pa.string()),
    ]
)
"""The schema of `episodes`: one row a game of the date."""


GAME_COLUMNS = (
    "session_id",
    "received_at",
    "event",
    "episode_id",
    "is_context",
    "player_id",
    *FRAME_STATE,
    "game_version",
    "server_seed_hash",
    "revealed",
)
"""The columns of `raw_ws_events` that games are made of; the others need not be read from disk."""

_ROWS_AT_ONCE = 1_024


@dataclass(slots=True)
class _Player:
    """The own player of a session."""

    player_id: str | None = None
    is_there: bool = False


def episodes_of(events: Iterable[pa.RecordBatch], rules: EpisodeRules = DEFAULT_RULES) -> pa.Table:
    """The games of one date.

    Args:
        events: the rows of `raw_ws_events` of the date, in their order, at least `GAME_COLUMNS`.
        rules: which games are kept.

    Returns:
        Table in the schema `EPISODES`, sorted by first receipt, then id.
    """
    views: dict[str, list[GameView]] = {}
    players: dict[str, _Player] = {}
    reveals: dict[str, list[dict[str, Any]]] = {}
    walk, walking = ObservationPass(), ""
    for session_id, block in session_blocks(events):
        if session_id != walking:
            walk, walking = ObservationPass(), session_id
        frames = walk.push_frames(block)
        _note_player(players.setdefault(session_id, _Player()), frames.events)
        _note_reveals(reveals, block)
        for view in note_frames(frames, session_id, views):
            views.setdefault(view.episode_id, []).append(view)
    taken = [(_best(seen), len(seen) - 1) for seen in views.values()]
    views.clear()
    taken.sort(key=lambda pair: (pair[0].first_us, pair[0].episode_id), reverse=True)
    parts = [EPISODES.empty_table()]
    while taken:
        # A row as a dict is 2 kB: never those of all games. What is done is let go.
        some = [taken.pop() for _ in range(min(len(taken), _ROWS_AT_ONCE))]
        rows = [
            _episode(view, others, players, reveals.pop(view.episode_id, []), rules)
            for view, others in some
        ]
        parts.append(pa.Table.from_pylist(rows, EPISODES))
    return pa.concat_tables(parts).combine_chunks()


def _best(seen: list[GameView]) -> GameView:
    """The view that is taken; to rank one takes its ticks, which a single one need not show."""
    return seen[0] if len(seen) == 1 else min(seen, key=GameView.rank)


def _note_player(player: _Player, events: EventColumns) -> None:
    announces = events.named(ev.PLAYER_UPDATE, ev.USERNAME, ev.BUTTON)
    player.is_there |= bool(announces.any() or events.named(ev.PLAYER_TICK).any())
    if not announces.any():
        return
    players = events.block["player_id"]
    known = announces & players.is_valid().to_numpy(zero_copy_only=False)
    if known.any():
        player.player_id = players[int(np.flatnonzero(known)[-1])].as_py()


def _note_reveals(reveals: dict[str, list[dict[str, Any]]], block: pa.RecordBatch) -> None:
    shown: list[Any] = block["revealed"].drop_null().to_pylist()
    for entry in chain.from_iterable(shown):
        if entry["prices"] is not None:
            # A date shows thousands of curves; as numbers they take a twentieth of what lists do.
            entry["prices"] = np.array(entry["prices"], np.float64).tobytes()
        known = reveals.setdefault(entry["game_id"], [])
        if entry not in known:
            known.append(entry)


def _episode(
    view: GameView,
    other_sessions: int,
    players: dict[str, _Player],
    reveals: list[dict[str, Any]],
    rules: EpisodeRules,
) -> dict[str, Any]:
    ticks = view.distinct_ticks
    first, last = (int(ticks[0]), int(ticks[-1])) if len(ticks) else (None, None)
    missing = 0 if first is None or last is None else last - first + 1 - len(ticks)
    is_terminal = view.terminal_tick is not None
    version = next(iter(sorted(view.versions)), None)
    verdict, reveal = _judge(view, version, reveals)
    player = players[view.session_id]
    row = {
        "episode_id": view.episode_id,
        "session_id": view.session_id,
        "player_id": player.player_id,
        "has_player": player.is_there,
        "game_version": version or reveal.get("game_version"),
        "first_received_at": view.first_us,
        "last_received_at": view.last_us,
        "first_tick": first,
        "last_tick": last,
        "frames": sum(view.kinds[1:]),
        "rows": view.kinds[FrameKind.ROW],
        "ticks": len(ticks),
        "missing_ticks": missing,
        "late_frames": view.kinds[FrameKind.LATE],
        "duplicate_frames": view.kinds[FrameKind.REPEATED],
        "post_rug_frames": view.kinds[FrameKind.POST_RUG],
        "is_terminal": is_terminal,
        "terminal_tick": view.terminal_tick,
        "is_complete": is_terminal and first == 0,
        "rug_price": view.rug_price,
        "peak_price": view.live_peak,
        "peak_multiplier": reveal.get("peak_multiplier"),
        "server_seed": reveal.get("server_seed"),
        "server_seed_hash": next(iter(sorted(view.hashes)), None) or reveal.get("server_seed_hash"),
        "fairness": verdict.fairness,
        "fairness_detail": verdict.detail or None,
        "other_sessions": other_sessions,
    }
    return row | {"excluded_because": excluded_because(row, rules)}


def _judge(
    view: GameView, version: str | None, reveals: list[dict[str, Any]]
) -> tuple[Verdict, dict[str, Any]]:
    """The verdict over all that was revealed of the game; the worst one counts."""
    ticks, prices = view.curve()
    hashes: list[str | None] = [*sorted(view.hashes)] or [None]
    shown: list[dict[str, Any] | None] = [*reveals] or [None]
    verdicts = [
        (
            fairness.judge(
                view.episode_id,
                ticks,
                prices,
                view.terminal_tick,
                None if reveal is None else _revealed(reveal),
                committed,
                version,
            ),
            reveal or {},
        )
        for reveal in shown
        for committed in hashes
    ]
    order = (
        fairness.HASH_MISMATCH,
        fairness.PRICE_MISMATCH,
        fairness.VERIFIED,
        fairness.SEED_UNKNOWN,
    )
    return min(verdicts, key=lambda pair: order.index(pair[0].fairness))


def _revealed(entry: dict[str, Any]) -> Revealed:
    prices = entry["prices"]
    return Revealed(
        entry["server_seed"],
        entry["server_seed_hash"],
        entry["game_version"],
        None if prices is None else np.frombuffer(prices, np.float64),
    )


def violations_of_capture_date(episodes: pa.Table, day: Any) -> Violations:
    """Every game of a date's partition was created on that UTC date (its gameId says so).

    Args:
        episodes: table in the schema `EPISODES`.
        day: the date of the partition.
    """
    found = [
        {"episode_id": game, "expected": str(day), "found": str(game_date(str(game)))}
        for game in episodes["episode_id"].to_pylist()
        if game_date(str(game)) != day
    ]
    return violations("every game lies in the partition of its gameId's date", found)


def violations_of_fairness(episodes: pa.Table) -> Violations:
    """No game contradicts its revealed seed (design.md 4)."""
    found = [
        {
            "episode_id": row["episode_id"],
            "fairness": row["fairness"],
            "found": row["fairness_detail"],
        }
        for row in episodes.select(["episode_id", "fairness", "fairness_detail"]).to_pylist()
        if row["fairness"] in UNFAIR
    ]
    return violations(
        "hash and price curve of every game agree with its revealed seed",
        found,
        cure="compare the named frames with the capture file; a corrupt capture must be replaced, "
        "a changed game needs a new version in domain.fairness",
    )
