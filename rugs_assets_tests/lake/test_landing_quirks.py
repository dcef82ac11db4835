"""What real captures do to you (protocol.md), number by number, through the landing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from rugs_assets.domain.episodes import episodes_of
from rugs_assets.domain.observations import observations_of
from rugs_assets.lake.landing import Inventory
from rugs_assets_tests.captures_builders import (
    DAY,
    DAY_AFTER,
    GAME_A,
    GAME_B,
    ME,
    NEXT_DAY,
    NOON,
    OTHER,
    Record,
    active,
    at,
    column,
    cooldown,
    epoch_ms,
    event,
    events_of,
    frame,
    game_history,
    landed,
    line,
    own_events,
    player,
    rejected_of,
    rug,
    stored,
    tick,
    write_jsonl,
    write_store,
)


def games_of(inventory: Inventory, day: date = DAY) -> dict[str, Record]:
    """The `episodes` of a date by their id."""
    rows = episodes_of(inventory.select(day).events()).to_pylist()
    return {row["episode_id"]: row for row in rows}


def rows_of(inventory: Inventory, day: date = DAY) -> list[Record]:
    """The `observations` of a date."""
    events = list(inventory.select(day).events())
    batches = list(observations_of(events, episodes_of(events)))
    return pa.Table.from_batches(batches).to_pylist()


def clock_of(inventory: Inventory, day: date = DAY) -> Any:
    return inventory.select(day).tally()["clocks"]["capture"]


def test_quirk_01_frames_of_two_games_interleave_at_a_rug(tmp_path: Path) -> None:
    write_jsonl(
        tmp_path / "in",
        active(1, 0),
        active(2, 1),
        rug(3, 2),
        cooldown(4, GAME_B, 15_000),
        rug(5, 4, gameHistory=[game_history(GAME_A, epoch_ms(0.75))]),
        cooldown(6, GAME_B, 14_900),
    )
    inventory = landed(tmp_path / "in")
    assert column(own_events(inventory), "episode_id") == [
        *[GAME_A] * 3,
        GAME_B,
        GAME_A,
        GAME_B,
    ]
    games = games_of(inventory)
    assert list(games) == [GAME_A, GAME_B]
    assert (games[GAME_A]["is_complete"], games[GAME_A]["frames"]) == (True, 4)


def test_quirk_02_ticks_go_on_after_the_rug(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in", active(1, 115), rug(2, 116, price=0.02), rug(3, 118, price=0.02))
    game = games_of(landed(tmp_path / "in"))[GAME_A]
    assert (game["terminal_tick"], game["post_rug_frames"], game["rows"]) == (116, 1, 2)


def test_quirk_03_rugged_and_active_are_true_together_and_presale_has_a_timer(
    tmp_path: Path,
) -> None:
    write_jsonl(
        tmp_path / "in",
        cooldown(1, timer=10_100),
        cooldown(2, timer=10_000),
        cooldown(3, timer=100),
        active(4, 0),
        rug(5, 1),
    )
    assert column(rows_of(landed(tmp_path / "in")), "game_phase") == [0, 1, 1, 2, 3]


def test_quirk_04_payloads_are_partial_and_a_missing_field_is_no_zero(tmp_path: Path) -> None:
    write_jsonl(
        tmp_path / "in",
        frame(1, tickCount=0, price=1, active=True, connectedPlayers=200),
        frame(2, cooldownTimer=14_900, cooldownPaused=False),
    )
    first, second = own_events(landed(tmp_path / "in"))
    assert (first["tick"], first["connected_players"], first["cooldown_timer_ms"]) == (0, 200, None)
    unsent = ("tick", "price", "active", "rugged", "connected_players", "highest_today")
    assert [second[name] for name in unsent] == [None] * len(unsent)


def test_quirk_05_data_is_a_pair_or_null_or_the_trace_alone(tmp_path: Path) -> None:
    trace = {"__trace": True, "traceparent": "00-1"}
    trade = {"id": "t1", "gameId": GAME_A, "playerId": OTHER, "type": "buy", "tickIndex": 3}
    write_jsonl(
        tmp_path / "in",
        event(1, "gameStateUpdate", [trace, {"gameId": GAME_A, "tickCount": 3}]),
        event(2, "gameStateUpdate", None),
        event(3, "gameStateUpdate", trace),
        event(4, "gameStateUpdate", [trace]),
        event(5, "standard/newTrade", [trace, trade]),
        event(6, "standard/newTrade", trace),
        event(7, "standard/newTrade", None),
    )
    inventory = landed(tmp_path / "in")
    assert column(own_events(inventory), "seq") == [1, 5]
    assert column(own_events(inventory), "trade_tick") == [None, 3]
    tally = inventory.select(DAY).tally()
    assert tally["ignored_by_name"] == {"gameStateUpdate": 3, "standard/newTrade": 2}
    assert (tally["kept"], tally["rejected"]) == (7, 0)


def test_quirk_06_a_naive_local_clock_is_set_by_server_times(tmp_path: Path) -> None:
    local = NOON - timedelta(hours=5)
    write_jsonl(
        tmp_path / "in",
        frame(
            1,
            ts=at(0, local),
            tickCount=40,
            active=True,
            gameHistory=[game_history(GAME_B, epoch_ms(-26))],
        ),
    )
    inventory = landed(tmp_path / "in")
    assert clock_of(inventory) == "+5.00 h, server time"
    assert (
        column(own_events(inventory), "received_at")[0].isoformat() == "2025-12-15T12:00:00+00:00"
    )


def test_quirk_06_a_naive_clock_without_server_times_is_bounded_by_game_dates(
    tmp_path: Path,
) -> None:
    evening = datetime(2025, 12, 14, 20, 17, tzinfo=UTC)
    write_jsonl(tmp_path / "in", active(1, 0, ts=at(0, evening)))
    assert clock_of(landed(tmp_path / "in")) == "+4.00 h, gameId date"


def test_quirk_06_stamps_with_a_zone_are_utc_by_their_own_word(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in", active(1, 0, ts="2025-12-15T07:00:00-05:00"))
    inventory = landed(tmp_path / "in")
    assert clock_of(inventory) == "+0.00 h, zones in the stamps"
    assert (
        column(own_events(inventory), "received_at")[0].isoformat() == "2025-12-15T12:00:00+00:00"
    )


def test_quirk_06_with_nothing_to_go_by_utc_is_assumed_and_said(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in", player(1, 1.0))
    assert clock_of(landed(tmp_path / "in")) == "+0.00 h, assumed UTC"


def test_quirk_07_captures_start_in_the_middle_with_gaps_repeats_and_late_frames(
    tmp_path: Path,
) -> None:
    write_jsonl(
        tmp_path / "in",
        *(active(1, 7), active(2, 8), active(3, 8, price=1.1)),
        *(active(4, 11), active(5, 9), active(6, 12)),
    )
    game = games_of(landed(tmp_path / "in"))[GAME_A]
    counts = ("first_tick", "last_tick", "missing_ticks", "late_frames", "duplicate_frames")
    assert [game[name] for name in counts] == [7, 12, 1, 1, 1]
    assert not game["is_complete"]


def test_quirk_07_tick_0_comes_twice(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in", active(1, 0, gameVersion="v3"), active(2, 0, highestToday=80))
    rows = rows_of(landed(tmp_path / "in"))
    assert column(rows, "tick") == [0]


def test_quirk_08_the_same_game_is_in_several_files_and_never_mixed(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in", active(1, 0, price=1.25), active(2, 1), name="short.jsonl")
    write_jsonl(tmp_path / "in", *(active(n, n - 1) for n in range(1, 6)), name="long.jsonl")
    inventory = landed(tmp_path / "in")
    game = games_of(inventory)[GAME_A]
    assert (game["session_id"], game["other_sessions"]) == ("long", 1)
    assert column(rows_of(inventory), "price") == [1.0] * 5


def test_quirk_09_broken_lines_cost_only_themselves(tmp_path: Path) -> None:
    cut = line(tick(1, 1))[:120]
    write_jsonl(
        tmp_path / "in",
        line(tick(0, 0)),
        cut,
        cut + line(tick(2, 2)),
        line(tick(3, 3)) + line(tick(4, 4)),
        "## a remark in prose, typed into the file",
        "",
        line(tick(5, 5)).replace(", ", ",\n  "),
        'ice": 1.0, "phase": "UNKNOWN"}',
        line(tick(6, 6)),
    )
    inventory = landed(tmp_path / "in")
    assert column(own_events(inventory), "tick") == [0, 2, 3, 4, 5, 6]
    rejected = rejected_of(inventory)
    assert column(rejected, "source_position") == [2, 3, 5, 17]
    assert column(rejected, "reason") == [
        "broken JSON: Input data was truncated",
        "cut off beside a whole record",
        "not a JSON object",
        "not a JSON object",
    ]
    assert rejected[1]["raw_text"] == cut
    tally = inventory.files[0]
    assert (tally.lines, tally.events, tally.rejected, tally.lost) == (18, 6, 4, 0)
    assert (tally.blank, tally.joined, tally.doubled) == (1, 9, 2)


def test_quirk_10_numbers_change_type(tmp_path: Path) -> None:
    write_jsonl(
        tmp_path / "in",
        active(1, 0, price=1, sidebetActive=None),
        active(2, 1, price=1.02, sidebetActive=True, averageMultiplier=4),
        active(3, 2, price=40.0, averageMultiplier=4.5),
        '{"seq": 4.0, "ts": "2025-12-15T12:00:01", "event": "gameStateUpdate", '
        f'"data": {{"gameId": "{GAME_A}", "tickCount": 3.0, "price": 41}}}}',
    )
    rows = own_events(landed(tmp_path / "in"))
    assert column(rows, "price") == [1.0, 1.02, 40.0, 41.0]
    assert column(rows, "tick") == [0, 1, 2, 3]


def test_quirk_11_days_end_in_the_middle_of_a_game(tmp_path: Path) -> None:
    late = datetime(2025, 12, 15, 23, 59, 59, tzinfo=UTC)
    write_jsonl(
        tmp_path / "in",
        active(1, 0, ts=at(0, late)),
        active(2, 1, ts=at(2, late)),
        rug(3, 2, ts=at(3, late)),
        cooldown(4, NEXT_DAY, ts=at(4, late)),
    )
    inventory = landed(tmp_path / "in")
    assert inventory.days == (DAY, DAY_AFTER)
    assert column(own_events(inventory), "tick") == [0, 1, 2]
    assert games_of(inventory)[GAME_A]["is_complete"]
    assert column(own_events(inventory, DAY_AFTER), "episode_id") == [NEXT_DAY]


def test_quirk_12_many_tiny_files_are_one_capture(tmp_path: Path) -> None:
    records = [cooldown(1), *(active(seq, seq - 2) for seq in range(2, 40)), rug(40, 38)]
    rows = [stored(record) for record in records]
    write_store(tmp_path / "one", rows)
    for number in range(8):
        name = f"doc_type=ws_event/date=2025-12-15/{number}.parquet"
        write_store(tmp_path / "many", rows[5 * number : 5 * number + 5], name=name)
    one, many = (own_events(landed(tmp_path / folder)) for folder in ("one", "many"))
    where = ("source_file", "source_position")
    assert len(one) == 40
    assert [{k: v for k, v in row.items() if k not in where} for row in many] == [
        {k: v for k, v in row.items() if k not in where} for row in one
    ]


def test_quirk_13_new_trades_are_a_late_sample_and_nobodys_position(tmp_path: Path) -> None:
    trade = {"id": "t1", "gameId": GAME_A, "playerId": ME, "type": "buy", "amount": 0.1}
    write_jsonl(
        tmp_path / "in",
        player(1, 5.0, positionQty=0),
        active(2, 30, tradeCount=28),
        event(3, "standard/newTrade", {**trade, "qty": 0.05, "tickIndex": 22, "price": 1.5}),
        active(4, 31, tradeCount=251),
    )
    inventory = landed(tmp_path / "in")
    rows = own_events(inventory)
    assert column(rows, "trade_tick") == [None, None, 22, None]
    assert column(rows, "position_qty") == [0.0, None, None, None]
    assert column(rows, "trade_count") == [None, 28, None, 251]
    assert column(rows_of(inventory), "position_qty") == [0.0, 0.0]


def test_the_events_of_a_capture_stand_in_order_of_arrival(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in", *(active(seq, seq) for seq in range(1, 30)))
    assert column(events_of(landed(tmp_path / "in")), "seq") == list(range(1, 30))
