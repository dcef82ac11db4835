"""The list of the 36, and each feature's value on literal streams worked out by hand."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

from rugs_assets.domain.features import (
    FEATURE_COUNT,
    FEATURE_DEFAULTS,
    FEATURE_INDEX,
    FEATURE_NAMES,
    FEATURES,
    Observation,
    encode_game_id,
    feature_bit,
    features_digest,
)
from rugs_assets_tests.domain.builders import (
    GAME_A,
    GAME_B,
    ME,
    START,
    Row,
    active,
    cooldown,
    frame,
    in_session,
    player,
    player_tick,
    presale,
    press,
    rows_of,
    rug,
)
from rugs_assets_tests.domain.drivers import rows_by_builder, rows_by_pass

_START_MS = START.timestamp() * 1000


def _last(rows: list[Row]) -> dict[str, float]:
    """The features of the last row, the same from both drivers."""
    made = rows_by_pass(in_session(rows))
    assert made == rows_by_builder(rows_of(rows))
    values = np.frombuffer(made[-1].features, np.float32)
    return dict(zip(FEATURE_NAMES, values.tolist(), strict=True))


def _observed(rows: list[Row]) -> set[str]:
    """Names of the features that the last row's bitmask says are observed."""
    mask = rows_by_pass(in_session(rows))[-1].observed
    return {name for name in FEATURE_NAMES if mask & feature_bit(name)}


def test_the_list_satisfies_the_plan_and_the_design() -> None:
    assert FEATURE_COUNT == len(FEATURES) == len(set(FEATURE_NAMES)) == 36
    assert (FEATURE_NAMES[0], FEATURE_NAMES[8], FEATURE_NAMES[35]) == (
        "tick",
        "game_id",
        "latency_ms",
    )
    assert FEATURE_DEFAULTS[FEATURE_INDEX["price"]] == 1.0
    assert np.count_nonzero(FEATURE_DEFAULTS) == 1
    assert all(f.name in FEATURE_NAMES for feature in FEATURES for f in FEATURES if f is feature)
    assert all(part in FEATURE_NAMES for feature in FEATURES for part in feature.made_of)


def test_the_digest_is_pinned() -> None:
    """Changing what a feature means must be a decision: raise FEATURES_VERSION, then pin anew."""
    assert features_digest()[:16] == PINNED_DIGEST


PINNED_DIGEST = "30c84ee931ecce19"


def test_game_id_is_the_head_of_its_hash_and_exact_in_float32() -> None:
    head = hashlib.sha256(GAME_A.encode()).digest()[:3]
    expected = int.from_bytes(head, "big") / 2**24
    assert encode_game_id(GAME_A) == expected == float(np.float32(expected))
    assert _last([active(GAME_A, 0)])["game_id"] == expected


def test_velocity_and_acceleration_are_per_tick_over_gaps() -> None:
    rows = [active(GAME_A, 0, 1.0), active(GAME_A, 1, 2.0), active(GAME_A, 3, 8.0)]
    # velocity 1, then (8 - 2) / 2 = 3; acceleration (3 - 1) / 2 = 1
    last = _last(rows)
    assert (last["price_velocity"], last["price_acceleration"]) == (3.0, 1.0)


def test_velocity_is_0_where_the_tick_did_not_advance() -> None:
    rows = [active(GAME_A, 4, 2.0), rug(GAME_A, 4, 0.5)]
    last = _last(rows)
    assert (last["price_velocity"], last["price_acceleration"]) == (0.0, 0.0)


def test_acceleration_starts_from_the_previous_rows_velocity_in_the_same_game_only() -> None:
    rows = [
        active(GAME_A, 0, 1.0),
        active(GAME_A, 1, 5.0),
        active(GAME_B, 0),
        active(GAME_B, 1, 3.0),
    ]
    assert _last(rows)["price_velocity"] == 2.0


def test_position_features() -> None:
    rows = [
        presale(GAME_A),
        player(0.5, 2.0, avg_entry_price=1.0, cumulative_pnl=-0.25, total_invested=2.0),
        active(GAME_A, 0, 1.0),
        active(GAME_A, 1, 1.5),
    ]
    last = _last(rows)
    assert last["unrealized_pnl"] == pytest.approx((1.5 - 1.0) * 2.0)
    assert last["position_pnl_pct"] == pytest.approx(0.5)
    assert last["balance_at_risk_pct"] == pytest.approx(3.0 / 3.5)
    assert last["cumulative_pnl"] == -0.25
    # Held since the row of tick 0: the player update came before it.
    assert last["time_in_position"] == 1.0


def test_without_a_position_its_features_are_0_whatever_the_average_says() -> None:
    rows = [player(0.0, 0.0, avg_entry_price=2.0), active(GAME_A, 5, 1.5)]
    last = _last(rows)
    assert last["position_pnl_pct"] == last["balance_at_risk_pct"] == 0.0
    assert last["time_in_position"] == 0.0


def test_the_position_is_0_again_at_the_first_frame_of_the_next_game_but_not_the_balance() -> None:
    rows = [
        active(GAME_A, 0),
        player(7.0, 2.0),
        active(GAME_A, 1),
        rug(GAME_A, 2),
        cooldown(GAME_B),
    ]
    last = _last(rows)
    assert (last["position_qty"], last["balance"]) == (0.0, 7.0)
    assert "position_qty" not in _observed(rows)
    assert "balance" in _observed(rows)


def test_the_leaderboard_of_a_cooldown_is_that_of_the_game_before() -> None:
    entry: Row = {
        "player_id": ME,
        "position_qty": 0.0,
        "cumulative_pnl": 0.2,
        "total_invested": 0.3,
    }
    rows = [player(1.0), cooldown(GAME_B, 14_900) | entry, presale(GAME_B, 9_900)]
    shown = _last(rows)
    assert (shown["cumulative_pnl"], shown["total_invested"]) == (0.0, 0.0)


def test_the_last_word_of_the_game_before_does_not_make_it_current_again() -> None:
    rows = [cooldown(GAME_B), rug(GAME_A, 31), presale(GAME_B), player(1.0, 2.0), presale(GAME_B)]
    assert _last(rows)["position_qty"] == 2.0
    assert rows_by_builder(rows_of(rows))[-1].game == GAME_B


def test_the_own_entry_of_a_leaderboard_counts_once_the_player_is_known() -> None:
    entry: Row = {"player_id": ME, "position_qty": 3.0}
    stranger = [active(GAME_A, 0, **entry)]
    assert _last(stranger)["position_qty"] == 0.0
    known = [player(1.0), active(GAME_A, 0, **entry)]
    assert _last(known)["position_qty"] == 3.0
    foreign = [player(1.0), active(GAME_A, 0, player_id="p-other", position_qty=3.0)]
    assert _last(foreign)["position_qty"] == 0.0


def test_a_player_ticks_entry_is_the_own_one() -> None:
    assert (
        _last([active(GAME_A, 0), player_tick(GAME_A, 4.0), active(GAME_A, 1)])["position_qty"] == 4
    )


def test_time_in_position_counts_from_each_entry() -> None:
    rows = [active(GAME_A, 0), player(1.0, 1.0), active(GAME_A, 1), player(1.0, 0.0)]
    rows += [active(GAME_A, 2), player(1.0, 1.0), active(GAME_A, 5), active(GAME_A, 9)]
    assert _last(rows)["time_in_position"] == 4.0


def test_rugpool_ratio_is_0_where_the_threshold_is_0() -> None:
    pool = {"rugpool_amount": 5.0, "rugpool_threshold": 10.0}
    assert _last([active(GAME_A, 0, **pool)])["rugpool_ratio"] == 0.5
    assert _last([active(GAME_A, 0, **(pool | {"rugpool_threshold": 0.0}))])["rugpool_ratio"] == 0.0


def test_ticks_since_last_action_and_bet_amount() -> None:
    rows = [active(GAME_A, 5)]
    assert _last(rows)["ticks_since_last_action"] == 5.0
    rows += [press(GAME_A, "INC_01", 5, bet_amount=0.01), active(GAME_A, 9)]
    assert _last(rows)["ticks_since_last_action"] == 4.0
    assert _last(rows)["bet_amount"] == np.float32(0.01)
    rows += [rug(GAME_A, 10), cooldown(GAME_B)]
    assert _last(rows)["bet_amount"] == 0.0


def test_an_execution_is_known_from_its_confirmation_on() -> None:
    rows: list[Row] = [
        active(GAME_A, 0),  # received 250 ms after the start
        press(GAME_A, "BUY", 0, client_timestamp_ms=_START_MS + 450, latency_ms=120.0)
        | {"trade_tick": 1, "trade_price": 1.25},
        player(1.0, 2.0),
        active(GAME_A, 1),
    ]
    last = _last(rows)
    assert (last["execution_tick"], last["execution_price"]) == (1.0, 1.25)
    assert (last["client_timestamp"], last["latency_ms"]) == (200.0, 120.0)


@pytest.mark.parametrize(
    ("rows", "observed", "not_observed"),
    [
        pytest.param(
            [frame(GAME_A, 3, price=2.0)],
            {"tick", "price", "game_id", "ticks_since_last_action"},
            {"active", "game_phase", "price_velocity", "balance"},
            id="only what was sent",
        ),
        pytest.param(
            [active(GAME_A, 0), active(GAME_A, 1)],
            {"game_phase", "price_velocity"},
            {"price_acceleration", "unrealized_pnl"},
            id="velocity needs a row before",
        ),
        pytest.param(
            [active(GAME_A, 0), active(GAME_A, 1), active(GAME_A, 2)],
            {"price_velocity", "price_acceleration"},
            set(),
            id="acceleration needs two",
        ),
        pytest.param(
            [active(GAME_A, 0, connected_players=3.0, highest_today=9.0), cooldown(GAME_B)],
            {"connected_players", "highest_today", "cooldown_timer_ms"},
            {"tick", "price"},
            id="session values last, game values do not",
        ),
    ],
)
def test_observed_says_what_rests_on_a_received_value(
    rows: list[Row], observed: set[str], not_observed: set[str]
) -> None:
    found = _observed(rows)
    assert observed <= found
    assert not not_observed & found


def test_a_derived_bit_is_set_when_all_it_is_made_of_is_observed() -> None:
    rows: list[Any] = [
        presale(GAME_A),
        player(1.0, 2.0, avg_entry_price=1.0, cumulative_pnl=0.0, total_invested=2.0),
        active(GAME_A, 0, rugpool_amount=1.0, rugpool_threshold=10.0),
    ]
    found = _observed(rows)
    made = {"unrealized_pnl", "position_pnl_pct", "balance_at_risk_pct", "rugpool_ratio"}
    assert made <= found


def test_features_are_finite_even_where_a_quotient_is_not() -> None:
    rows = [player(1.0, 1.0, avg_entry_price=1e-310), active(GAME_A, 0, 1.0)]
    assert _last(rows)["position_pnl_pct"] == np.finfo(np.float32).max


def test_an_observation_keeps_its_execution_fields_optional() -> None:
    values: dict[str, Any] = dict.fromkeys(FEATURE_NAMES[:32], 0)
    array = Observation(**values | {"game_id": "test-game"}).to_numpy()
    assert array.shape == (36,)
    assert array.dtype == np.float32
    assert array[8] == np.float32(encode_game_id("test-game"))
