"""Each press of a date belongs to one row, or to none for a reason."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings

from rugs_assets.domain.buttons import ACTIONS, ADJUSTS
from rugs_assets.domain.episodes import EpisodeRules
from rugs_assets.domain.features import Phase
from rugs_assets.domain.own_play import own_play_of
from rugs_assets.domain.sample_rules import violations_of_press_accounting
from rugs_assets.domain.samples import SampleRules
from rugs_assets_tests.domain import strategies
from rugs_assets_tests.domain.builders import (
    GAME_A,
    GAME_B,
    GAME_C,
    Row,
    active,
    cooldown,
    in_session,
    player,
    presale,
    press,
    rows_of,
    rug,
)
from rugs_assets_tests.domain.sample_builders import Made

ADMITTED = EpisodeRules(admit_incomplete=True)


def opened() -> list[Row]:
    """Frames 0 to 3 of a game, up to the second PRESALE row."""
    return [cooldown(GAME_A), cooldown(GAME_A, 10_100), presale(GAME_A), presale(GAME_A, 9_900)]


def game(*presses: Row, ticks: tuple[int, ...] = (0, 1, 2, 3, 4, 5), at: int = 2) -> list[Row]:
    """A whole game in which the presses come behind the frame of a tick."""
    rows = opened()
    for tick in ticks:
        rows.append(active(GAME_A, tick))
        rows += presses if tick == at else ()
    return [*rows, rug(GAME_A, 9)]


def labelled(rows: list[Row], **rules: Any) -> dict[int, tuple[str, str | None]]:
    """Frame -> (action, adjust) of the decisions at which something was pressed."""
    made = Made([in_session(rows)], SampleRules(**rules))
    return {
        row["frame"]: (ACTIONS[row["action"]], ADJUSTS[row["adjust"]])
        for row in made.samples
        if row["action"] or row["adjust"]
    }


def reasons(rows: list[Row], **rules: Any) -> list[tuple[str | None, str]]:
    return Made([in_session(rows)], SampleRules(**rules)).reasons


# Ticks of the rows that exist, tick of the press -> frame of its row (tick 0 is frame 4), or none.
@pytest.mark.parametrize(
    ("ticks", "pressed", "tolerance", "frame"),
    [
        pytest.param((0, 1, 2, 3), 2, 0, 6, id="exact"),
        pytest.param((0, 1, 2, 3), 2, 2, 6, id="exact comes first"),
        pytest.param((0, 1, 3, 4), 2, 1, 5, id="one before comes before one after"),
        pytest.param((0, 3, 4), 2, 1, 5, id="one after"),
        pytest.param((0, 1, 3, 4), 2, 0, None, id="tolerance 0 takes no neighbour"),
        pytest.param((0, 4, 5), 2, 1, None, id="two ticks are too far"),
        pytest.param((0, 4, 5), 2, 2, 4, id="two before comes before two after"),
        pytest.param((1, 4, 5), 3, 2, 5, id="one after comes before two before"),
    ],
)
def test_an_active_press_goes_by_its_tick(
    ticks: tuple[int, ...], pressed: int, tolerance: int, frame: int | None
) -> None:
    rows = game(press(GAME_A, "BUY", pressed), ticks=(0, *ticks[1:]), at=ticks[1])
    found = labelled(rows, tolerance=tolerance)
    assert found == ({} if frame is None else {frame: ("BUY", None)})
    if frame is None:
        assert reasons(rows, tolerance=tolerance) == [
            ("BUY", f"no row within {tolerance} ticks of tick {pressed}")
        ]


def test_a_press_without_a_tick_goes_to_the_tick_that_its_game_shows() -> None:
    assert labelled(game(press(GAME_A, "SELL"), at=3)) == {7: ("SELL", None)}


def test_a_presale_press_goes_to_the_last_row_received_before_it() -> None:
    first = [*opened()[:3], press(GAME_A, "BUY"), presale(GAME_A, 9_900), *game()[4:]]
    assert labelled(first) == {2: ("BUY", None)}
    second = [*opened(), press(GAME_A, "BUY", 0), *game()[4:]]
    assert labelled(second) == {3: ("BUY", None)}


def test_the_phase_that_the_client_saw_counts_where_frames_were_lost() -> None:
    """Tick 0 never reached the recorder: its last frame is of presale, the client's was not."""
    lost = [*opened(), press(GAME_A, "BUY", 0, press_phase=Phase.ACTIVE), *game()[5:]]
    made = Made([in_session(lost)], episodes=ADMITTED)
    assert [row["frame"] for row in made.samples if row["action"]] == [4]
    # Here the presale frames are what was lost: by its tick it would be the row of tick 0.
    early = [cooldown(GAME_A), press(GAME_A, "BUY", 0, press_phase=Phase.PRESALE), *game()[4:]]
    assert labelled(early) == {}
    assert reasons(early) == [("BUY", "no PRESALE row of its game had arrived before it")]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        pytest.param(
            [press(GAME_A, "BUY", 0), *game()],
            "no frame of its game had arrived before it",
            id="before the game",
        ),
        pytest.param(
            [cooldown(GAME_A), press(GAME_A, "BUY", 0), *game()],
            "pressed in COOLDOWN, where no action is possible",
            id="cooldown",
        ),
        pytest.param(
            [*game(), press(GAME_A, "SELL", 9)],
            "pressed in RUGGED, where no action is possible",
            id="rugged",
        ),
        pytest.param(
            game(press(GAME_A, "SELL", 2, press_phase=Phase.RUGGED)),
            "pressed in RUGGED, where no action is possible",
            id="the client saw the rug first",
        ),
        pytest.param(
            game(press(GAME_A, "AUTO_SELL", 2)), "unknown button 'AUTO_SELL'", id="unknown button"
        ),
        pytest.param(
            game(press(GAME_A, "BUY", 7)), "no row within 1 ticks of tick 7", id="no such tick"
        ),
        pytest.param(
            [*game(), press(GAME_B, "BUY", 0)], "it names no game of this date", id="no such game"
        ),
    ],
)
def test_every_reason_why_a_press_has_no_row(rows: list[Row], reason: str) -> None:
    assert labelled(rows) == {}
    assert [why for _, why in reasons(rows)] == [reason]


def test_presses_without_a_row_stand_in_the_order_of_their_arrival() -> None:
    """Whatever the reason, and whenever it was found."""
    rows = game(press(GAME_A, "BUY", 7), press(GAME_B, "SELL", 1), press(GAME_A, "CLEAR", 9))
    made = Made([in_session(rows)])
    assert [button for button, _ in made.reasons] == ["BUY", "SELL", "CLEAR"]
    found = made.unaligned["seq"].to_numpy()
    assert (np.diff(found) > 0).all()


def test_the_first_action_takes_the_row() -> None:
    rows = game(press(GAME_A, "BUY", 2), press(GAME_A, "SELL", 2), press(GAME_A, "SIDEBET", 2))
    assert labelled(rows) == {6: ("BUY", None)}
    taken = "its row is taken by an earlier action"
    assert reasons(rows) == [("SELL", taken), ("SIDEBET", taken)]


def test_of_adjustments_at_a_row_the_last_stands_beside_its_action() -> None:
    rows = game(
        press(GAME_A, "CLEAR", 2),
        press(GAME_A, "INC_01", 2),
        press(GAME_A, "BUY", 2),
        press(GAME_A, "SELL_25", 2),
    )
    assert labelled(rows) == {6: ("BUY", "SELL_25")}
    superseded = "superseded by a later adjustment at the same row"
    assert reasons(rows) == [("CLEAR", superseded), ("INC_01", superseded)]


def test_a_press_at_the_last_row_of_a_capture_leads_nowhere() -> None:
    rows = [*opened(), active(GAME_A, 0), active(GAME_A, 1), press(GAME_A, "BUY", 1)]
    made = Made([in_session(rows)], episodes=ADMITTED)
    assert made.reasons == [("BUY", "its row is no decision: not sampled, or the last of the game")]
    assert [row["action"] for row in made.samples] == [0, 0, 0]


def test_a_press_at_a_row_whose_phase_is_not_sampled_is_left_over() -> None:
    rows = [*opened(), press(GAME_A, "BUY", 0), *game()[4:]]
    assert labelled(rows, phases=frozenset({Phase.ACTIVE})) == {}
    assert len(reasons(rows, phases=frozenset({Phase.ACTIVE}))) == 1


def test_presses_of_a_game_that_is_not_kept_say_so() -> None:
    rows = [active(GAME_A, 4), press(GAME_A, "BUY", 4), active(GAME_A, 5), rug(GAME_A, 6)]
    assert reasons(rows) == [
        ("BUY", "its game is not kept: incomplete: tick 0 was not captured"),
    ]


@pytest.mark.parametrize("has_player", [True, False])
def test_presses_of_another_session_than_the_one_taken_are_left_over(has_player: bool) -> None:
    """Also where the session that is taken has no player: nothing is lost (design.md 7)."""
    best = rows_of([*game(), *([player(1.0)] if has_player else [])], session_id="s1")
    other = [active(GAME_A, 2), press(GAME_A, "BUY", 2), active(GAME_A, 3)]
    made = Made([best, rows_of(other, session_id="s2")])
    assert made.reasons == [("BUY", "its game is taken from another session")]
    assert {row["action"] for row in made.samples} == {0}
    assert violations_of_press_accounting(made.events, made.batches, made.unaligned.to_batches()).ok


def test_context_presses_belong_to_another_date_but_their_percentage_is_still_set() -> None:
    before = press(GAME_C, "SELL_50", 7, is_context=True)
    made = Made([in_session([before, *game(press(GAME_A, "SELL", 2))])])
    assert made.reasons == []
    assert [row["sell_fraction"] for row in made.samples if row["action"]] == [0.5]


def test_what_an_action_carries() -> None:
    rows = game(
        press(GAME_A, "SELL_10", 2),
        press(GAME_A, "BUY", 2, bet_amount=0.25, sequence_id="q1", trade_id="t1"),
        press(GAME_A, "SELL", 3, bet_amount=0.25, sequence_id="q2"),
        press(GAME_A, "SIDEBET", 4, bet_amount=0.5),
        press(GAME_A, "BUY", 5),
    )
    pressed = [row for row in Made([in_session(rows)]).samples if row["action"]]
    names = ("action", "order_amount", "sell_fraction", "sequence_id", "trade_id")
    assert [tuple(row[name] for name in names) for row in pressed] == [
        (1, 0.25, None, "q1", "t1"),
        (2, None, pytest.approx(0.1), "q2", None),
        (3, 0.5, None, None, None),
        (1, None, None, None, None),
    ]


def test_a_sale_before_any_percentage_press_has_no_share() -> None:
    pressed = [r for r in Made([in_session(game(press(GAME_A, "SELL", 2)))]).samples if r["action"]]
    assert pressed[0]["sell_fraction"] is None


@settings(max_examples=150, deadline=None)
@given(strategies.streams, st.integers(0, 2))
def test_presses_in_are_aligned_and_unaligned(stream: list[Row], tolerance: int) -> None:
    for rules in (EpisodeRules(), ADMITTED):
        made = Made([in_session(stream)], SampleRules(tolerance=tolerance), rules)
        accounts = violations_of_press_accounting(
            made.events, made.batches, made.unaligned.to_batches()
        )
        assert accounts.ok, str(accounts)


@settings(max_examples=100, deadline=None)
@given(strategies.sessions, st.integers(1, 7))
def test_how_events_are_cut_into_batches_changes_no_press(
    session: pa.RecordBatch, size: int
) -> None:
    played = {(str(game), "s1") for game in session["episode_id"].to_pylist()}
    whole = own_play_of([session], played, lambda account: account)
    pieces = [session.slice(at, size) for at in range(0, len(session), size)]
    cut = own_play_of(pieces, played, lambda account: account)
    assert cut.presses == whole.presses
    assert cut.accounts.keys() == whole.accounts.keys()
    for key, account in cut.accounts.items():
        assert account.equity.tobytes() == whole.accounts[key].equity.tobytes()
