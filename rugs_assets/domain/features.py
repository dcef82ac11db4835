"""THE list of the 36 features: name, unit, source, carry, default, range, what they are made of.

In: nothing. Out: `FEATURES` and what follows from it (names, defaults, bits, the Observation).
Invariants: the order is part of the contract of every trained model; every feature is a finite
float32; the schema of ``observations``, the range checks, the reference table in the docs and the
tests derive from this list and from nothing else. How a value is *computed* stands in
``observations``; here stands what it *is* (design.md 1).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from enum import Enum, IntEnum

import numpy as np
from numpy.typing import NDArray

FEATURES_VERSION = 1
"""Goes up with every change of what a feature means; part of a release's identity."""


class Phase(IntEnum):
    """The code of ``game_phase`` (protocol.md, "The game")."""

    COOLDOWN = 0
    PRESALE = 1
    ACTIVE = 2
    RUGGED = 3


class Carry(Enum):
    """How far the last known value of a feature lasts."""

    GAME = "game"
    SESSION = "session"
    NONE = "-"


@dataclass(frozen=True, slots=True)
class Feature:
    """One of the 36.

    Attributes:
        name: column name in every table, key in every document.
        source: where the value comes from on the wire, or how it is made.
        unit: the unit of the value.
        carry: how far the last known value lasts.
        default: the value where none was ever received.
        low: the least value that is not an error, None where there is no bound.
        high: the greatest value that is not an error, None where there is no bound.
        made_of: names of the features that a derived feature rests on; empty for a received one.
        low_is_open: the bound ``low`` itself is an error (a price is never 0 on a fair curve).
    """

    name: str
    source: str
    unit: str
    carry: Carry
    default: float = 0.0
    low: float | None = None
    high: float | None = None
    made_of: tuple[str, ...] = ()
    low_is_open: bool = False


_GAME, _SESSION, _NONE = Carry.GAME, Carry.SESSION, Carry.NONE
_OWN = "playerUpdate.{0}; own leaderboardEntry or leaderboard entry .{1}"

FEATURES: tuple[Feature, ...] = (
    Feature("tick", "gameStateUpdate.tickCount", "ticks of 250 ms", _GAME, low=0.0),
    Feature("price", "gameStateUpdate.price", "multiplier", _GAME, 1.0, low=0.0, low_is_open=True),
    Feature(
        "game_phase",
        "rugged -> 3, else active -> 2, else allowPreRoundBuys -> 1, else 0",
        "code",
        _NONE,
        low=0.0,
        high=3.0,
        made_of=("allow_pre_round_buys", "active", "rugged"),
    ),
    Feature("cooldown_timer_ms", "gameStateUpdate.cooldownTimer", "ms", _GAME, low=0.0),
    Feature(
        "allow_pre_round_buys", "gameStateUpdate.allowPreRoundBuys", "0/1", _GAME, low=0.0, high=1.0
    ),
    Feature("active", "gameStateUpdate.active", "0/1", _GAME, low=0.0, high=1.0),
    Feature("rugged", "gameStateUpdate.rugged", "0/1", _GAME, low=0.0, high=1.0),
    Feature("connected_players", "gameStateUpdate.connectedPlayers", "players", _SESSION, low=0.0),
    Feature(
        "game_id",
        "first 3 bytes of SHA-256(gameId), big-endian, / 2^24",
        "[0, 1), exact in float32",
        _NONE,
        low=0.0,
        high=1.0,
    ),
    Feature("balance", "playerUpdate.cash", "SOL", _SESSION, low=0.0),
    Feature("position_qty", _OWN.format("positionQty", "positionQty"), "tokens", _GAME, low=0.0),
    Feature("avg_entry_price", _OWN.format("avgCost", "avgCost"), "multiplier", _GAME, low=0.0),
    Feature("cumulative_pnl", _OWN.format("cumulativePnL", "pnl"), "SOL", _GAME),
    Feature("total_invested", _OWN.format("totalInvested", "totalInvested"), "SOL", _GAME, low=0.0),
    Feature(
        "rugpool_amount",
        "gameStateUpdate or gameStatePlayerUpdate .rugpool.rugpoolAmount",
        "SOL",
        _SESSION,
        low=0.0,
    ),
    Feature("rugpool_threshold", "likewise .rugpool.threshold", "games", _SESSION, low=0.0),
    Feature("instarug_count", "likewise .rugpool.instarugCount", "games", _SESSION, low=0.0),
    Feature(
        "average_multiplier",
        "gameStateUpdate.averageMultiplier",
        "multiplier, mean of the last 100 games",
        _SESSION,
        low=0.0,
    ),
    Feature("count_2x", "gameStateUpdate.count2x", "games of the last 100", _SESSION, low=0.0),
    Feature("count_10x", "gameStateUpdate.count10x", "games of the last 100", _SESSION, low=0.0),
    Feature("count_50x", "gameStateUpdate.count50x", "games of the last 100", _SESSION, low=0.0),
    Feature("count_100x", "gameStateUpdate.count100x", "games of the last 100", _SESSION, low=0.0),
    Feature("highest_today", "gameStateUpdate.highestToday", "multiplier", _SESSION, low=0.0),
    Feature(
        "price_velocity",
        "(price - previous row's price) / (tick - previous row's tick); "
        "0 where the tick did not advance",
        "multiplier / tick",
        _GAME,
        made_of=("price", "tick"),
    ),
    Feature(
        "price_acceleration",
        "(velocity - previous row's velocity) / (tick - previous row's tick); "
        "0 where the tick did not advance",
        "multiplier / tick^2",
        _GAME,
        made_of=("price_velocity", "tick"),
    ),
    Feature(
        "unrealized_pnl",
        "(price - avg_entry_price) x position_qty",
        "SOL",
        _NONE,
        made_of=("price", "avg_entry_price", "position_qty"),
    ),
    Feature(
        "position_pnl_pct",
        "(price - avg_entry_price) / avg_entry_price; 0 without a position",
        "ratio",
        _NONE,
        low=-1.0,
        made_of=("price", "avg_entry_price", "position_qty"),
    ),
    Feature(
        "rugpool_ratio",
        "rugpool_amount / rugpool_threshold; 0 where the threshold is 0",
        "ratio",
        _NONE,
        low=0.0,
        made_of=("rugpool_amount", "rugpool_threshold"),
    ),
    Feature(
        "balance_at_risk_pct",
        "v / (balance + v), v = position_qty x price; 0 where the sum is 0",
        "ratio",
        _NONE,
        low=0.0,
        high=1.0,
        made_of=("balance", "position_qty", "price"),
    ),
    Feature(
        "time_in_position",
        "tick - tick of the row at which position_qty left 0; 0 without a position",
        "ticks",
        _GAME,
        low=0.0,
        made_of=("tick", "position_qty"),
    ),
    Feature(
        "ticks_since_last_action",
        "tick - tick of the last button press before this row; before any press, tick",
        "ticks",
        _GAME,
        made_of=("tick",),
    ),
    Feature("bet_amount", "bet_amount of the last button press", "SOL", _GAME, low=0.0),
    Feature("execution_tick", "tick of the player's last confirmed trade", "ticks", _GAME, low=0.0),
    Feature("execution_price", "price of that trade", "multiplier", _GAME, low=0.0),
    Feature(
        "client_timestamp",
        "when that trade was requested, since the game's first frame was received",
        "ms",
        _GAME,
    ),
    Feature("latency_ms", "server time - client time of that request", "ms", _GAME),
)

FEATURE_COUNT = 36
FEATURE_NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
FEATURE_INDEX: dict[str, int] = {name: index for index, name in enumerate(FEATURE_NAMES)}
FEATURE_DEFAULTS: NDArray[np.float64] = np.array([feature.default for feature in FEATURES])
FEATURE_DEFAULTS.setflags(write=False)


def feature_bit(name: str) -> int:
    """The bit of a feature in the ``observed`` mask: bit i stands for feature i."""
    return 1 << FEATURE_INDEX[name]


def features_digest() -> str:
    """SHA-256 (hex) over order, names, sources, units, carries and defaults of the list."""
    text = "\n".join(
        f"{f.name}|{f.source}|{f.unit}|{f.carry.value}|{f.default!r}|{','.join(f.made_of)}"
        for f in FEATURES
    )
    return hashlib.sha256(f"v{FEATURES_VERSION}\n{text}".encode()).hexdigest()


_LARGEST = float(np.finfo(np.float32).max)


def to_float32(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """The one cast at the end; what no float32 holds becomes the largest one, so all are finite."""
    return np.clip(values, -_LARGEST, _LARGEST).astype(np.float32)


def encode_game_id(game_id: str | None) -> float:
    """Feature 8: the first 3 bytes of SHA-256(gameId) as a fraction, exact in a float32.

    Args:
        game_id: the game's id; None (no game named yet) is encoded as 0.0.
    """
    if game_id is None:
        return 0.0
    head = hashlib.sha256(game_id.encode()).digest()[:3]
    return int.from_bytes(head, "big") / 2**24


@dataclass(frozen=True, slots=True)
class Observation:
    """One row in words: the 36 features in order, before the one cast to float32.

    ``game_id`` holds the id itself and is encoded by `to_numpy`. ``observed`` says which features
    rest on a received value (bit i = feature i); it is not a feature.
    """

    tick: float
    price: float
    game_phase: int
    cooldown_timer_ms: float
    allow_pre_round_buys: bool
    active: bool
    rugged: bool
    connected_players: float
    game_id: str | None
    balance: float
    position_qty: float
    avg_entry_price: float
    cumulative_pnl: float
    total_invested: float
    rugpool_amount: float
    rugpool_threshold: float
    instarug_count: float
    average_multiplier: float
    count_2x: float
    count_10x: float
    count_50x: float
    count_100x: float
    highest_today: float
    price_velocity: float
    price_acceleration: float
    unrealized_pnl: float
    position_pnl_pct: float
    rugpool_ratio: float
    balance_at_risk_pct: float
    time_in_position: float
    ticks_since_last_action: float
    bet_amount: float
    execution_tick: float = 0.0
    execution_price: float = 0.0
    client_timestamp: float = 0.0
    latency_ms: float = 0.0
    observed: int = 0

    def to_numpy(self) -> NDArray[np.float32]:
        """The feature vector, float32, shape (36,), in the order of `FEATURE_NAMES`."""
        values = [
            encode_game_id(self.game_id) if name == "game_id" else float(getattr(self, name))
            for name in FEATURE_NAMES
        ]
        return to_float32(np.array(values, dtype=np.float64))


_DECLARED = tuple(field.name for field in fields(Observation))
if len(FEATURES) != FEATURE_COUNT or (*FEATURE_NAMES, "observed") != _DECLARED:
    raise AssertionError("Observation and FEATURES name different features")
