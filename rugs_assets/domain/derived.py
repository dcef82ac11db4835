"""The formulas: from what is carried at a row to its 36 features.

In: for n rows, what was received and carried (float64, one array a feature), which of it was ever
received, and the previous row of the same game. Out: the features and the ``observed`` bits.
Invariants: this is the one rule behind both drivers (`ObservationBuilder` gives it rows of one, the
columnar path blocks); everything is float64 until the one cast to float32 at the end. What is
carried how far is not decided here but in the drivers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rugs_assets.domain.features import FEATURE_COUNT, FEATURE_INDEX, FEATURES

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

RECEIVED: tuple[str, ...] = (
    "tick",
    "price",
    "cooldown_timer_ms",
    "allow_pre_round_buys",
    "active",
    "rugged",
    "connected_players",
    "balance",
    "position_qty",
    "avg_entry_price",
    "cumulative_pnl",
    "total_invested",
    "rugpool_amount",
    "rugpool_threshold",
    "instarug_count",
    "average_multiplier",
    "count_2x",
    "count_10x",
    "count_50x",
    "count_100x",
    "highest_today",
    "bet_amount",
    "execution_tick",
    "execution_price",
    "client_timestamp",
    "latency_ms",
)
"""Features that are a carried value as it was received; the others are made here."""

_VELOCITY, _ACCELERATION = FEATURE_INDEX["price_velocity"], FEATURE_INDEX["price_acceleration"]


@dataclass(frozen=True, slots=True)
class PreviousRows:
    """For n rows, the previous row of the same game; each array has shape (n,).

    Attributes:
        exists: whether there is one.
        tick: its tick; ``price`` and ``velocity`` likewise.
        has_price: whether its price and tick were observed; ``has_velocity`` its velocity.
    """

    exists: Bools
    tick: Floats
    price: Floats
    velocity: Floats
    has_price: Bools
    has_velocity: Bools


def game_phase(allow: Floats, active: Floats, rugged: Floats) -> Floats:
    """Feature 2: rugged -> 3, else active -> 2, else allowPreRoundBuys -> 1, else 0."""
    return np.where(rugged != 0, 3.0, np.where(active != 0, 2.0, np.where(allow != 0, 1.0, 0.0)))


def price_velocity(tick: Floats, price: Floats, previous: PreviousRows) -> Floats:
    """Feature 23 in multiplier / tick; 0 where no row is before or the tick did not advance."""
    return _per_tick(price - previous.price, tick, previous)


def _per_tick(change: Floats, tick: Floats, previous: PreviousRows) -> Floats:
    ticks = tick - previous.tick
    advanced = previous.exists & (ticks > 0)
    return np.divide(change, ticks, out=np.zeros_like(change), where=advanced)


def derive(
    carried: Mapping[str, Floats],
    has: Mapping[str, Bools],
    *,
    game_code: Floats,
    has_game: Bools,
    previous: PreviousRows,
    entry_tick: Floats,
    press_tick: Floats,
) -> tuple[Floats, NDArray[np.int64]]:
    """The features of n rows.

    Args:
        carried: name -> value for every name in `RECEIVED`, defaults where nothing was received.
        has: name -> whether the value was received within its carry scope.
        game_code: feature 8, already encoded.
        has_game: whether the game is known.
        previous: the previous row of the same game.
        entry_tick: tick of the row at which position_qty left 0 (any value without a position).
        press_tick: tick of the last button press, 0 before any press.

    Returns:
        The features, float64, shape (n, 36), and ``observed``, int64, shape (n,).
    """
    c = carried
    tick, price, qty = c["tick"], c["price"], c["position_qty"]
    entry = c["avg_entry_price"]
    # A feature lies in one piece, as it is made and stored; seen from outside it is a column.
    values = np.zeros((FEATURE_COUNT, len(tick)))
    for name in RECEIVED:
        values[FEATURE_INDEX[name]] = c[name]
    gain = price - entry
    value = qty * price
    velocity = price_velocity(tick, price, previous)
    made = {
        "game_phase": game_phase(c["allow_pre_round_buys"], c["active"], c["rugged"]),
        "game_id": game_code,
        "price_velocity": velocity,
        "price_acceleration": _per_tick(velocity - previous.velocity, tick, previous),
        "unrealized_pnl": gain * qty,
        "position_pnl_pct": _ratio(gain, entry, (qty != 0) & (entry != 0)),
        "rugpool_ratio": _ratio(c["rugpool_amount"], c["rugpool_threshold"]),
        "balance_at_risk_pct": _ratio(value, c["balance"] + value),
        "time_in_position": np.where(qty != 0, tick - entry_tick, 0.0),
        "ticks_since_last_action": tick - press_tick,
    }
    for name, column in made.items():
        values[FEATURE_INDEX[name]] = column
    return values.T, _observed(has, has_game, previous)


def _ratio(part: Floats, whole: Floats, where: Bools | None = None) -> Floats:
    divisible = whole != 0 if where is None else where
    # A quotient by next to nothing may be infinite here; the cast makes it the largest float32.
    with np.errstate(over="ignore"):
        return np.divide(part, whole, out=np.zeros_like(part), where=divisible)


def _observed(
    has: Mapping[str, Bools], has_game: Bools, previous: PreviousRows
) -> NDArray[np.int64]:
    """Bit i is set where feature i rests on received values (design.md 1)."""
    bits: dict[str, Bools] = {**has, "game_id": has_game}
    for feature in FEATURES:
        if feature.made_of:
            parts = [bits[name] for name in feature.made_of]
            bits[feature.name] = np.logical_and.reduce(parts)
            if feature.name == "price_velocity":
                bits[feature.name] = bits[feature.name] & previous.exists & previous.has_price
            if feature.name == "price_acceleration":
                bits[feature.name] = bits[feature.name] & previous.has_velocity
    observed = np.zeros(len(has_game), np.int64)
    for feature in FEATURES:
        observed |= bits[feature.name].astype(np.int64) << FEATURE_INDEX[feature.name]
    return observed


def velocity_of(values: Floats, observed: NDArray[np.int64]) -> tuple[Floats, Bools]:
    """The velocity column of derived rows and whether it was observed."""
    return values[:, _VELOCITY], (observed >> _VELOCITY & 1).astype(bool)
