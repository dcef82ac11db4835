"""Records to typed events: raw captures and the tick recorder."""

from __future__ import annotations

import io
from functools import partial
from typing import Any

import pytest

from rugs_assets.domain import capture
from rugs_assets.domain.capture import CaptureReader
from rugs_assets.domain.chunks import Reject
from rugs_assets.domain.records import read_records
from rugs_assets_tests.captures_builders import (
    GAME_A,
    GAME_B,
    ME,
    OTHER,
    Record,
    active,
    column,
    cooldown,
    event,
    frame,
    game_history,
    lines,
    player,
    tick,
)


def read(*parts: Record | str) -> tuple[list[Record], list[Reject]]:
    """The decoded events and the rejects of a JSONL file."""
    reader = CaptureReader(lambda player_id: f"p-{player_id}")
    stream = io.BytesIO(lines(*parts))
    rows: list[Record] = []
    rejects: list[Reject] = []
    for decoded in reader.jsonl(stream, source_file="f.jsonl", session_id="s"):
        rows += decoded.events.to_pylist()
        rejects += decoded.rejects
    return rows, rejects


WRONG: tuple[tuple[Record, str], ...] = (
    ({"tickCount": 1.5, "price": 1e19}, "tick is not a whole number"),
    ({"price": 1e19, "gameId": "20251215-XYZ"}, "gameId '20251215-XYZ' is not"),
    ({"rugpool": {"threshold": 1e19}}, "rugpool_threshold is beyond"),
)
"""Payloads of frames that are none; of several reasons that which is named."""


@pytest.mark.parametrize("chunk_bytes", [200, 2_000, 1 << 20])
def test_how_a_file_is_read_changes_no_event_and_no_reject(
    monkeypatch: pytest.MonkeyPatch, chunk_bytes: int
) -> None:
    wrong = {3: WRONG[0], 40: WRONG[1], 41: WRONG[2], 90: WRONG[0]}
    told: list[Record] = [
        event(seq, "gameStateUpdate", wrong[seq][0]) if seq in wrong else active(seq, seq)
        for seq in range(1, 100)
    ]
    told[59] = event(60, "standard/newTrade", {"tickIndex": -1, "qty": 1e19})
    told[69]["ts"] = "when?"
    monkeypatch.setattr(capture, "read_records", partial(read_records, chunk_bytes=chunk_bytes))
    rows, rejects = read(*told)
    reasons = {seq: reason for seq, (_, reason) in wrong.items()}
    reasons |= {60: "qty is beyond", 70: "no readable time stamp"}
    assert column(rows, "seq") == [seq for seq in range(1, 100) if seq not in reasons]
    assert column(rows, "tick") == column(rows, "source_position") == column(rows, "seq")
    assert [bad.position for bad in rejects] == sorted(reasons)
    for bad in rejects:
        assert bad.reason.startswith(reasons[bad.position])
        assert bad.raw == lines(told[bad.position - 1])[:-1]


def entry(player_id: str, qty: float, **more: Any) -> Record:
    return {"id": player_id, "username": "a name", "positionQty": qty, "avgCost": 1.5, **more}


def test_both_spellings_of_a_capture_give_the_same_events() -> None:
    new = frame(1, tickCount=3)
    old = {"timestamp": new["ts"], "event_type": new["event"], "data": new["data"]}
    (a,), (b,) = read(new)[0], read(old)[0]
    assert a == b
    assert (a["seq"], a["event"], a["game_id"], a["tick"]) == (1, "gameStateUpdate", GAME_A, 3)


def test_an_event_leads_back_to_its_line() -> None:
    rows, rejects = read(active(1, 0), "", "# prose", active(2, 1))
    assert column(rows, "source_position") == [1, 4]
    assert column(rows, "source_file") == ["f.jsonl"] * 2
    assert [(bad.position, bad.session_id, bad.near_seq) for bad in rejects] == [(3, "s", 1)]


def test_events_that_the_domain_does_not_read_are_kept_and_not_used() -> None:
    rows, rejects = read(event(1, "newChatMessage", {"message": "hi"}), event(2, "ping"))
    assert column(rows, "event") == ["newChatMessage", "ping"]
    assert column(rows, "is_used") == [False, False]
    assert not rejects


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"tickCount": 1.5}, "tick is not a whole number"),
        ({"tickCount": -1}, "tick is not a whole number"),
        ({"tickCount": 2**31}, "tick is not a whole number"),
        ({"price": 1e19}, "price is beyond 1e+18"),
        ({"rugpool": {"rugpoolAmount": -1e19}}, "rugpool_amount is beyond 1e+18"),
        ({"price": "cheap"}, "$.data.price"),
        ({"gameId": "20251215-XYZ"}, "gameId '20251215-XYZ' is not"),
        ({"gameId": "20251399-aaaaaaaaaaaaaaaa"}, "is not YYYYMMDD"),
        ({"gameHistory": [{"id": "x", "prices": [1, "2"]}]}, "Expected `float`"),
    ],
)
def test_a_value_that_is_none_costs_its_event(payload: Record, reason: str) -> None:
    rows, rejects = read(active(1, 0), event(2, "gameStateUpdate", payload), active(3, 1))
    assert column(rows, "seq") == [1, 3]
    (bad,) = rejects
    assert reason in bad.reason
    assert (bad.position, bad.near_seq) == (2, 1)


def test_an_event_without_a_readable_stamp_is_rejected() -> None:
    rows, rejects = read(active(1, 0), {**active(2, 1), "ts": "when?"})
    assert (column(rows, "seq"), [bad.reason for bad in rejects]) == (
        [1],
        ["no readable time stamp"],
    )


def test_a_recorder_tick_is_a_frame_whose_other_fields_stay_unobserved() -> None:
    (row,), _ = read(tick(0, 7, price=1.25, trade_count=3))
    assert (row["event"], row["game_id"], row["is_used"]) == ("gameStateUpdate", GAME_A, True)
    sent = ("tick", "price", "active", "rugged", "cooldown_timer_ms", "trade_count")
    assert [row[name] for name in sent] == [7, 1.25, True, False, 0, 3]
    unsent = ("connected_players", "average_multiplier", "highest_today", "rugpool_amount")
    assert [row[name] for name in unsent] == [None] * 4


@pytest.mark.parametrize(
    ("phase", "allows"),
    [("PRESALE", True), ("UNKNOWN", False), ("ACTIVE_GAMEPLAY", False), (None, None)],
)
def test_the_phase_of_a_recorder_tick_says_whether_presale_is_open(
    phase: str | None, allows: bool | None
) -> None:
    (row,), _ = read(tick(0, 0, phase=phase))
    assert row["allow_pre_round_buys"] is allows


def test_a_recorders_trade_count_of_0_was_not_sent() -> None:
    (row,), _ = read(tick(0, 7, trade_count=0))
    assert row["trade_count"] is None


def test_other_lines_of_the_recorder_are_kept_and_not_used() -> None:
    rows, _ = read(
        {"type": "game_start", "timestamp": "2025-12-15T12:00:00", "game_id": GAME_A},
        {
            "type": "game_complete",
            "timestamp": "2025-12-15T12:00:01",
            "game_id": GAME_A,
            "server_seed": "0169a2a1090cb0daca81",
        },
    )
    assert column(rows, "is_used") == [False, False]
    assert column(rows, "revealed") == [None, None]


def test_of_a_leaderboard_only_the_own_entry_is_read_and_only_once_it_is_known() -> None:
    board = [entry(OTHER, 9), entry(ME, 0.5, pnl=0.1, totalInvested=0.75)]
    rows, _ = read(active(1, 0, leaderboard=board), player(2, 5.0), active(3, 1, leaderboard=board))
    assert column(rows, "position_qty") == [None, None, 0.5]
    assert column(rows, "player_id") == [None, f"p-{ME}", f"p-{ME}"]
    own = rows[2]
    assert (own["avg_entry_price"], own["cumulative_pnl"], own["total_invested"]) == (
        1.5,
        0.1,
        0.75,
    )


def test_the_own_entry_of_a_player_tick_needs_no_other_word() -> None:
    payload = {"gameId": GAME_A, "leaderboardEntry": entry(ME, 0.25)}
    (row,), _ = read(event(1, "gameStatePlayerUpdate", payload))
    assert (row["position_qty"], row["player_id"]) == (0.25, f"p-{ME}")


def test_practice_money_is_no_position() -> None:
    coin = {"address": "0x", "ticker": "FREE"}
    rows, _ = read(
        player(1, 5.0, positionQty=3, selectedCoin=coin),
        active(2, 0, leaderboard=[entry(ME, 3, selectedCoin=coin)]),
        active(3, 1, leaderboard=[entry(ME, 4, selectedCoin=None)]),
    )
    assert column(rows, "position_qty") == [None, None, 4]
    assert column(rows, "balance") == [5.0, None, None]


def test_a_finished_game_is_revealed_once_a_session() -> None:
    a, b = game_history(GAME_A, 1e12), game_history(GAME_B, 2e12, peakMultiplier=1.5)
    rows, _ = read(
        cooldown(1, gameHistory=[a]), cooldown(2, gameHistory=[a]), cooldown(3, gameHistory=[b, a])
    )
    shown = [[game["game_id"] for game in row["revealed"] or ()] for row in rows]
    assert shown == [[GAME_A], [], [GAME_B]]
    revealed = rows[2]["revealed"][0]
    assert (revealed["prices"], revealed["peak_multiplier"]) == ([1, 1.5, 0.01], 1.5)


def test_requests_answers_and_side_bets_fill_their_columns() -> None:
    rows, _ = read(
        event(1, "buyOrder", {"amount": 0.1}, direction="sent"),
        event(2, "success", {"success": True, "executedPrice": 1.5, "timestamp": 1765800000000}),
        event(3, "sellOrder", {"percentage": 50}, direction="sent"),
        event(
            4, "currentSidebet", {"startTick": 3, "endTick": 43, "betAmount": 1, "type": "placed"}
        ),
    )
    assert column(rows, "direction") == ["sent", "received", "sent", "received"]
    assert column(rows, "amount") == [0.1, None, None, None]
    assert column(rows, "trade_price") == [None, 1.5, None, None]
    assert column(rows, "server_timestamp_ms") == [None, 1765800000000, None, None]
    assert column(rows, "sell_percentage") == [None, None, 50, None]
    assert column(rows, "end_tick") == [None, None, None, 43]


def test_a_single_event_is_read_like_a_line() -> None:
    reader = CaptureReader(lambda player_id: player_id)
    decoded = reader.some([lines(active(1, 3))[:-1]])
    (row,) = decoded.events.to_pylist()
    assert (row["tick"], row["game_id"]) == (3, GAME_A)
