"""The rules of the rows of a game among each other: order, ends, constancy, what was observed.

In: batches of `observations`, of `raw_ws_events`, or the table `episodes`. Out: violations, and the
share of observed values per feature. Rules about a single row (schema, range, finiteness) stand in
``observations``, the order of row numbers in ``order``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rugs_assets.domain import events as ev
from rugs_assets.domain.columns import coded
from rugs_assets.domain.features import FEATURE_NAMES, Phase, encode_game_id, feature_bit
from rugs_assets.domain.frames import FRAME_STATE
from rugs_assets.domain.games import games_in
from rugs_assets.domain.violations import Violations, violations

BETWEEN_GAMES: tuple[str, ...] = (
    "average_multiplier",
    "count_2x",
    "count_10x",
    "count_50x",
    "count_100x",
)
"""What the server changes only between games (protocol.md)."""

CONSTANCY_COLUMNS: tuple[str, ...] = (
    *("event", "is_context", "session_id", "episode_id", "seq"),
    *BETWEEN_GAMES,
)
"""What `violations_of_constancy` reads of `raw_ws_events`."""

OWN: frozenset[str] = frozenset(
    {
        "balance",
        "position_qty",
        "avg_entry_price",
        "cumulative_pnl",
        "total_invested",
        "unrealized_pnl",
        "position_pnl_pct",
        "balance_at_risk_pct",
        "time_in_position",
        "bet_amount",
        "execution_tick",
        "execution_price",
        "client_timestamp",
        "latency_ms",
    }
)
"""Features that only a session with an own player can observe."""

_RANK = np.array([0, 0, 1, 2])  # COOLDOWN and PRESALE -> ACTIVE -> RUGGED


def violations_of_phase_order(rows: Iterable[pa.RecordBatch]) -> Violations:
    """Within a game the phases only move on: COOLDOWN or PRESALE, then ACTIVE, then RUGGED.

    Args:
        rows: of `observations`; ``episode_id``, ``frame`` and ``game_phase`` are read.
    """
    found = (
        {
            "episode_id": game.episode_id,
            "frame": int(game.column("frame")[at + 1]),
            "found": f"{Phase(int(phases[at + 1])).name} after {Phase(int(phases[at])).name}",
        }
        for game in games_in(rows, ("episode_id", "frame", "game_phase"))
        for phases in [game.column("game_phase").astype(np.int64)]
        for at in np.flatnonzero(np.diff(_RANK[phases]) < 0).tolist()
    )
    return violations("within a game the phases only move on", found)


def violations_of_terminal_rows(rows: Iterable[pa.RecordBatch]) -> Violations:
    """A RUGGED row is the last one of its game.

    Args:
        rows: of `observations`; ``episode_id``, ``frame`` and ``game_phase`` are read.
    """
    found = (
        {
            "episode_id": game.episode_id,
            "frame": int(game.column("frame")[at]),
            "expected": int(game.column("frame")[-1]),
        }
        for game in games_in(rows, ("episode_id", "frame", "game_phase"))
        for at in np.flatnonzero(game.column("game_phase")[:-1] == Phase.RUGGED).tolist()
    )
    return violations("the RUGGED row is the last of its game", found)


def violations_of_tick_order(rows: Iterable[pa.RecordBatch]) -> Violations:
    """Within a game the tick never falls, and from one ACTIVE row to the next it rises.

    Args:
        rows: of `observations`; ``episode_id``, ``frame``, ``tick`` and ``game_phase`` are read.
    """
    return violations(
        "within a game the tick never falls, and rises while it is active", _wrong_ticks(rows)
    )


def _wrong_ticks(rows: Iterable[pa.RecordBatch]) -> Iterator[Mapping[str, object]]:
    for game in games_in(rows, ("episode_id", "frame", "tick", "game_phase")):
        ticks = game.column("tick").astype(np.int64)
        is_active = game.column("game_phase") == Phase.ACTIVE
        least = (is_active[1:] & is_active[:-1]).astype(np.int64)
        for at in np.flatnonzero(np.diff(ticks) < least).tolist():
            yield {
                "episode_id": game.episode_id,
                "frame": int(game.column("frame")[at + 1]),
                "found": f"tick {ticks[at + 1]} after tick {ticks[at]}",
            }


def violations_of_encoded_games(rows: Iterable[pa.RecordBatch]) -> Violations:
    """The feature ``game_id`` of every row is the code of its game.

    Args:
        rows: of `observations`; ``episode_id``, ``frame`` and ``game_id`` are read.
    """
    found = (
        {
            "episode_id": game.episode_id,
            "frame": int(game.column("frame")[at]),
            "expected": code,
            "found": float(game.column("game_id")[at]),
        }
        for game in games_in(rows, ("episode_id", "frame", "game_id"))
        for code in [encode_game_id(game.episode_id)]
        for at in np.flatnonzero(game.column("game_id") != np.float32(code)).tolist()
    )
    return violations("game_id is the code of the row's game", found)


def violations_of_constancy(events: Iterable[pa.RecordBatch]) -> Violations:
    """What changes only between games is the same in all frames of a game that carry it.

    Args:
        events: rows of `raw_ws_events`; `CONSTANCY_COLUMNS` are read.
    """
    return violations(
        "statistics of the last 100 games do not change within a game",
        _changed(events),
        cure="compare the named frame with its line in the capture",
    )


def _changed(events: Iterable[pa.RecordBatch]) -> Iterator[Mapping[str, object]]:
    first: dict[tuple[str, str, str], float] = {}
    for batch in events:
        sessions, session = coded(batch["session_id"])
        games, game = coded(batch["episode_id"])
        is_frame = pc.equal(batch["event"], pa.scalar(ev.FRAME)).to_numpy(zero_copy_only=False)
        is_frame = is_frame & ~batch["is_context"].to_numpy(zero_copy_only=False) & (game >= 0)
        for name in BETWEEN_GAMES:
            sent = is_frame & batch[name].is_valid().to_numpy(zero_copy_only=False)
            values = batch[name].to_numpy(zero_copy_only=False)[sent]
            pairs, firsts, pair = np.unique(
                session[sent] * len(games) + game[sent], return_index=True, return_inverse=True
            )
            of_pair = [(sessions[both // len(games)], games[both % len(games)]) for both in pairs]
            expected = np.array(
                [
                    first.setdefault((*names, name), float(values[at]))
                    for names, at in zip(of_pair, firsts, strict=True)
                ]
            )
            seqs = batch["seq"].to_numpy()[sent]
            for at in np.flatnonzero(values != expected[pair]).tolist():
                yield {
                    "episode_id": of_pair[pair[at]][1],
                    "session_id": of_pair[pair[at]][0],
                    "seq": int(seqs[at]),
                    "feature": name,
                    "expected": float(expected[pair[at]]),
                    "found": float(values[at]),
                }


def violations_of_peaks(episodes: pa.Table) -> Violations:
    """The captured peak is the revealed peakMultiplier; where ticks are missing, not above it.

    Args:
        episodes: table in the schema `EPISODES`.
    """
    columns = ("episode_id", "peak_price", "peak_multiplier", "is_complete", "missing_ticks")
    found = [
        {"episode_id": row["episode_id"], "expected": revealed, "found": captured}
        for row in episodes.select(columns).to_pylist()
        if (captured := row["peak_price"]) is not None
        and (revealed := row["peak_multiplier"]) is not None
        and (
            captured > revealed
            or (captured < revealed and row["is_complete"] and not row["missing_ticks"])
        )
    ]
    return violations("captured and revealed peak of every game agree", found)


def observed_shares(rows: Iterable[pa.RecordBatch]) -> dict[str, float]:
    """For each feature the share of rows in which it rests on received values.

    Args:
        rows: of `observations`; ``observed`` is read.

    Returns:
        Feature -> share; empty where there are no rows.
    """
    counts = np.zeros(len(FEATURE_NAMES), np.int64)
    total = 0
    bits = np.array([feature_bit(name) for name in FEATURE_NAMES], np.int64)
    for batch in rows:
        mask = batch["observed"].to_numpy()
        total += len(mask)
        counts += [np.count_nonzero(mask & bit) for bit in bits]
    if not total:
        return {}
    return dict(zip(FEATURE_NAMES, (counts / total).tolist(), strict=True))


def violations_of_observed_share(
    rows: Iterable[pa.RecordBatch], *, least: float = 0.01, essential: float = 0.5
) -> Violations:
    """What frames carry is observed, and what is observed at all is observed often; statistical.

    A feature that no row of the date has is what its captures cannot tell (the recorder's ticks
    hold no statistics, a public feed no player): no suspicion. One that hardly any row has is.

    Args:
        rows: of `observations`; ``observed`` is read.
        least: the share of rows below which a feature that is seen counts as lost.
        essential: the same for what every frame of every format carries.
    """
    shares = observed_shares(rows)
    expected = {
        name: essential if name in FRAME_STATE else least if share else 0.0
        for name, share in shares.items()
        if name not in OWN
    }
    found = [
        {
            "feature": name,
            "expected": f"at least {share:.0%} of rows",
            "found": f"{shares[name]:.2%}",
        }
        for name, share in expected.items()
        if shares[name] < share
    ]
    return violations(
        "every feature that the captures carry is observed",
        found,
        cure="look at the frames of the date: its captures lost what carries these features",
    )
