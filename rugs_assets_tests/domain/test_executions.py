"""What confirms an own trade, which comes first, and what is not known before that."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from rugs_assets.domain import events as ev
from rugs_assets.domain.features import FEATURE_INDEX
from rugs_assets_tests.domain.builders import (
    GAME_A,
    GAME_B,
    ME,
    Row,
    active,
    cooldown,
    in_session,
    player,
    player_tick,
    presale,
    press,
    rug,
)
from rugs_assets_tests.domain.drivers import MadeRow, rows_by_builder, rows_by_pass
from rugs_assets_tests.domain.sample_builders import answers, asks, received_ms, trade

NAMES = ("execution_tick", "execution_price", "client_timestamp", "latency_ms")
Four = tuple[float, ...]
NOTHING: Four = (0.0, 0.0, 0.0, 0.0)


def made(rows: list[Row]) -> list[MadeRow]:
    """The rows of both drivers, which agree."""
    batch = in_session(rows)
    found = rows_by_pass(batch)
    assert rows_by_builder(batch) == found == rows_by_pass(batch, 2)
    return found


def executions(rows: list[Row]) -> list[Four]:
    """Features 32 to 35 at each row."""
    return four(made(rows))


def four(rows: list[MadeRow]) -> list[Four]:
    values = [np.frombuffer(row.features, np.float32) for row in rows]
    return [tuple(float(value[FEATURE_INDEX[name]]) for name in NAMES) for value in values]


def last(rows: list[Row]) -> Four:
    return executions([*rows, active(GAME_A, 90)])[-1]


def begin() -> list[Row]:
    """A game at tick 0, received 250 ms after the start, of a player without a position."""
    return [active(GAME_A, 0), player(1.0, 0.0)]


def buys(position: int, **columns: Any) -> Row:
    """A BUY pressed 10 ms before the record's own time of receipt."""
    return press(GAME_A, "BUY", 0, client_timestamp_ms=received_ms(position) - 10) | columns


EVIDENCE = {
    "answer": answers(1.25),
    "own newTrade": trade("buy", 1, 1.25),
    "playerUpdate": player(0.5, 2.0),
    "own entry of a player tick": player_tick(GAME_A, 2.0),
    "own entry of a leaderboard": active(GAME_A, 1, player_id=ME, position_qty=2.0),
}


@pytest.mark.parametrize("evidence", EVIDENCE.values(), ids=EVIDENCE.keys())
def test_each_way_of_confirmation_counts_from_when_it_arrives(evidence: Row) -> None:
    record = {"trade_tick": 1, "trade_price": 1.25, "latency_ms": 80.0}
    rows = [*begin(), buys(2, **record), active(GAME_A, 1), evidence, active(GAME_A, 2)]
    found = executions(rows)
    assert found[1] == NOTHING
    # Pressed at 750 - 10 ms, the game's first frame was received at 250 ms.
    assert found[-1] == (1.0, 1.25, 490.0, 80.0)


@pytest.mark.parametrize("evidence", EVIDENCE.values(), ids=EVIDENCE.keys())
def test_a_request_on_the_wire_is_confirmed_without_any_press_record(evidence: Row) -> None:
    found = last([*begin(), asks(), evidence])
    assert found[2] == 500.0
    assert last([*begin(), asks()]) == NOTHING


def test_the_time_of_the_answer_in_the_record_counts_once_something_is_received_after_it() -> None:
    record = {"trade_tick": 1, "trade_price": 1.25, "server_timestamp_ms": received_ms(3) + 100}
    rows = [*begin(), buys(2, **record), active(GAME_A, 1), active(GAME_A, 2), active(GAME_A, 3)]
    assert [found[1] for found in executions(rows)] == [0.0, 0.0, 1.25, 1.25]


def test_a_record_that_was_never_answered_confirms_nothing() -> None:
    assert last([*begin(), buys(2, trade_tick=None, trade_price=None)]) == NOTHING
    refused = {"server_timestamp_ms": received_ms(2) + 50}
    assert last([*begin(), buys(2, **refused)]) == NOTHING


def test_a_refused_request_is_confirmed_by_nothing_that_follows() -> None:
    rows = [*begin(), buys(2), answers(refused=True), player(1.0, 2.0)]
    assert last(rows) == NOTHING


def test_the_refusal_of_a_side_bet_does_not_take_the_purchase_before_it_away() -> None:
    rows = [
        *begin(),
        buys(2),
        press(GAME_A, "SIDEBET", 0),
        answers(1.25),
        answers(refused=True),
        trade("buy", 1, 1.25),
    ]
    assert last(rows)[:2] == (1.0, 1.25)


def test_an_answer_without_a_price_is_the_side_bets_where_that_came_first() -> None:
    rows = [*begin(), press(GAME_A, "SIDEBET", 0), buys(3), answers(), active(GAME_A, 1)]
    assert executions(rows)[-1] == NOTHING
    assert last([*rows, answers(1.5)])[1] == 1.5


def test_the_echoes_of_one_trade_do_not_confirm_the_next_request() -> None:
    """Two purchases in a row: trade and state of the first arrive while the second waits."""
    rows = [
        *begin(),
        buys(2),
        buys(3),
        answers(1.25),
        trade("buy", 1, 1.25),
        player(0.5, 2.0),
        active(GAME_A, 2),
        answers(1.5),
        active(GAME_A, 3),
    ]
    found = executions(rows)
    assert found[-2][:3] == (1.0, 1.25, 490.0)
    assert found[-1][1:3] == (1.5, 740.0)


def test_an_answer_with_a_price_is_no_side_bets() -> None:
    rows = [*begin(), press(GAME_A, "SIDEBET", 0), buys(3), answers(1.25)]
    assert last(rows)[1:3] == (1.25, 740.0)


def test_an_answer_is_never_for_a_request_of_the_game_before() -> None:
    rows = [*begin(), buys(2), rug(GAME_A, 1), cooldown(GAME_B), presale(GAME_B)]
    rows += [press(GAME_B, "BUY", 0), answers(1.0), presale(GAME_B, 9_900)]
    # Pressed 500 ms behind the game's first frame.
    assert executions(rows)[-1][1:3] == (1.0, 500.0)


@pytest.mark.parametrize(
    "twice",
    [
        [player(0.9, 1.0), player(0.8, 2.0)],
        [trade("buy", 1, 1.25), trade("buy", 1, 1.25)],
        [answers(1.25), answers(1.25)],
    ],
    ids=["states", "trades at one price", "answers"],
)
def test_the_same_evidence_twice_confirms_two_requests(twice: list[Row]) -> None:
    rows = [*begin(), buys(2), buys(3)]
    assert last([*rows, twice[0]])[2] == 490.0
    assert last([*rows, *twice])[2] == 740.0


def test_echoes_complete_what_the_first_evidence_did_not_say() -> None:
    rows = [*begin(), buys(2), player(0.5, 2.0), active(GAME_A, 1)]
    rows += [answers(1.25, server_timestamp_ms=received_ms(2) + 70), active(GAME_A, 2)]
    rows += [trade("buy", 1, 1.25), active(GAME_A, 3)]
    found = executions(rows)
    assert found[1] == (0.0, 0.0, 490.0, 0.0)
    assert found[2] == (0.0, 1.25, 490.0, 80.0)
    assert found[3] == (1.0, 1.25, 490.0, 80.0)


def test_a_sale_is_not_confirmed_by_a_position_that_grew() -> None:
    rows = [*begin(), press(GAME_A, "SELL", 0), player(0.5, 2.0)]
    assert last(rows) == NOTHING
    assert last([*rows, player(1.0, 1.0)])[2] > 0


def test_the_same_position_told_with_fewer_digits_confirms_nothing() -> None:
    rows = [active(GAME_A, 0), player(1.0, 0.123456789), buys(2), player_tick(GAME_A, 0.1234568)]
    assert last(rows) == NOTHING


def test_a_leaderboard_entry_of_a_late_frame_confirms_nothing() -> None:
    rows = [*begin(), active(GAME_A, 5, player_id=ME, position_qty=2.0)]
    rows += [press(GAME_A, "SELL", 5), active(GAME_A, 4, player_id=ME, position_qty=0.0)]
    assert last(rows) == NOTHING


def test_a_leaderboard_of_the_game_before_confirms_nothing() -> None:
    board = cooldown(GAME_B, player_id=ME, position_qty=0.4)
    rows = [player(1.0, 0.0), board, presale(GAME_B), press(GAME_B, "BUY"), player(0.7, 0.3)]
    assert executions([*rows, presale(GAME_B, 9_900)])[-1][2] == 500.0


def test_trades_of_others_and_of_other_games_confirm_nothing() -> None:
    rows = [*begin(), buys(2)]
    assert last([*rows, trade("buy", 1, 1.25, who="p-other")]) == NOTHING
    assert last([*rows, trade("buy", 1, 1.25, episode_id=GAME_B)]) == NOTHING


def test_the_trade_id_tells_which_press_a_trade_belongs_to() -> None:
    rows = [*begin(), buys(2, trade_id="t1"), buys(3, trade_id="t2"), trade("buy", 1, 1.5)]
    rows[-1]["trade_id"] = "t2"
    assert last(rows)[1:3] == (1.5, 740.0)


def test_a_press_and_its_request_on_the_wire_are_one() -> None:
    for order in ([buys(2), asks()], [asks(), buys(3)]):
        rows = [*begin(), *order, answers(1.25), active(GAME_A, 1), player(0.5, 2.0)]
        found = executions([*rows, answers(9.9), active(GAME_A, 2)])
        assert found[-1][1] == 1.25


def test_an_own_trade_that_nobody_pressed_for_counts_as_the_last_one() -> None:
    rows = [*begin(), buys(2), answers(1.25), trade("sell", 7, 3.0)]
    assert last(rows) == (7.0, 3.0, 490.0, 0.0)


def test_a_game_begins_without_executions_and_without_requests_that_wait() -> None:
    rows = [*begin(), buys(2), rug(GAME_A, 1), cooldown(GAME_B), player(0.5, 2.0), presale(GAME_B)]
    assert executions(rows)[-1] == NOTHING


@st.composite
def confirmed_presses(draw: st.DrawFn) -> tuple[list[Row], list[Row], int]:
    """A session, the same with its press record altered, and how many rows come before the news."""
    unsuspecting = draw(st.integers(0, 4))
    kind = draw(st.sampled_from(["record", *EVIDENCE]))
    rows = [*begin(), {}]
    rows += [active(GAME_A, 1 + at) for at in range(unsuspecting)]
    news = len(rows)
    rows += [active(GAME_A, 20)] if kind == "record" else [EVIDENCE[kind]]
    rows += [active(GAME_A, 30), active(GAME_A, 31)]

    def record() -> Row:
        answered = received_ms(news) - draw(st.integers(0, 249))
        if kind != "record":
            answered = draw(st.sampled_from([answered, received_ms(40)]))
        return buys(
            2,
            trade_tick=draw(st.integers(0, 50)),
            trade_price=draw(st.floats(0.1, 9)),
            server_timestamp_ms=answered,
            latency_ms=draw(st.one_of(st.none(), st.floats(0, 900))),
            trade_id=draw(st.sampled_from([None, "t1"])),
            client_timestamp_ms=received_ms(2) - draw(st.integers(0, 200)),
        )

    altered = [dict(row) for row in rows]
    rows[2], altered[2] = record(), record()
    return rows, altered, 1 + unsuspecting


@settings(max_examples=100, deadline=None)
@given(confirmed_presses())
def test_what_the_answer_filled_in_changes_no_row_before_a_confirmation_had_arrived(
    case: tuple[list[Row], list[Row], int],
) -> None:
    rows, altered, before = case
    found = rows_by_pass(in_session(rows))
    assert found[:before] == rows_by_builder(in_session(altered))[:before]
    assert set(four(found)[:before]) == {NOTHING}
    assert four(found)[-1] != NOTHING


def test_side_bet_requests_and_presses_never_become_executions() -> None:
    rows = [*begin(), press(GAME_A, "SIDEBET", 0, trade_tick=1, trade_price=5.0)]
    rows[-1]["server_timestamp_ms"] = received_ms(2)
    assert last([*rows, asks(ev.SIDEBET_REQUEST), answers(), player(0.4, 0.0)]) == NOTHING


def test_a_slow_order_is_overtaken_by_the_next_one() -> None:
    """Pressed first, answered last: answer and position speak of the one that was answered."""
    slow = {"trade_tick": 3, "trade_price": 1.75, "server_timestamp_ms": received_ms(8) - 1}
    fast = {"trade_tick": 1, "trade_price": 1.25, "server_timestamp_ms": received_ms(5) - 1}
    rows = [*begin(), buys(2, **slow), buys(3, **fast), active(GAME_A, 1)]
    rows += [answers(1.25), player(0.9, 1.0), active(GAME_A, 2)]
    assert [found[:2] for found in executions(rows)] == [(0.0, 0.0), (0.0, 0.0), (1.0, 1.25)]
    assert last([*rows, answers(1.75), player(0.8, 2.0)])[:2] == (3.0, 1.75)
