"""The feature step as pandas and polars users would write it, for comparison only.

Both take the frames of a date as a table and make 36 float32 columns: carried values filled forward
within the game, speeds, ratios. They know nothing of late frames, of repeated ticks, of what is
carried over games, of the own player's events between frames or of what was observed: they do less
than the walk of the pipeline does, and are no replacement for it.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa

from rugs_assets.domain import events as ev

_CARRIED = (
    *("tick", "price", "cooldown_timer_ms", "allow_pre_round_buys", "active", "rugged"),
    *("connected_players", "average_multiplier", "count_2x", "count_10x", "count_50x"),
    *("count_100x", "highest_today", "rugpool_amount", "rugpool_threshold", "instarug_count"),
    *("balance", "position_qty", "avg_entry_price", "cumulative_pnl", "total_invested"),
)
_ZERO = (
    *("time_in_position", "ticks_since_last_action", "bet_amount", "execution_tick"),
    *("execution_price", "client_timestamp", "latency_ms"),
)


def frames_of(events: list[pa.RecordBatch]) -> pa.Table:
    """The frames among events, the columns that both variants read."""
    table = pa.Table.from_batches(events).select(["event", "episode_id", *_CARRIED])
    return table.filter(pa.array(table["event"].to_numpy() == ev.FRAME))


def with_pandas(frames: pa.Table) -> int:
    """groupby().ffill() and column arithmetic; rows made."""
    frame = frames.select(["episode_id", *_CARRIED]).to_pandas()
    for name in ("allow_pre_round_buys", "active", "rugged"):
        frame[name] = frame[name].astype("float64")
    games = frame.groupby("episode_id", sort=False)
    made = games[list(_CARRIED)].ffill().fillna(0.0)
    keys = frame["episode_id"]
    ticks = made["tick"].groupby(keys, sort=False).diff()
    velocity = (made["price"].groupby(keys, sort=False).diff() / ticks).where(ticks > 0, 0.0)
    change = velocity.groupby(keys, sort=False).diff()
    value = made["position_qty"] * made["price"]
    gain = made["price"] - made["avg_entry_price"]
    made["price_velocity"] = velocity
    made["price_acceleration"] = (change / ticks).where(ticks > 0, 0.0)
    made["unrealized_pnl"] = gain * made["position_qty"]
    made["position_pnl_pct"] = (gain / made["avg_entry_price"]).where(made["avg_entry_price"] != 0)
    made["rugpool_ratio"] = made["rugpool_amount"] / made["rugpool_threshold"]
    made["balance_at_risk_pct"] = value / (made["balance"] + value)
    made["game_phase"] = np.where(made["rugged"] != 0, 3, np.where(made["active"] != 0, 2, 0))
    made["game_id"] = keys.astype("category").cat.codes
    for name in _ZERO:
        made[name] = 0.0
    return len(made.replace([np.inf, -np.inf], 0.0).fillna(0.0).astype("float32"))


def with_polars(frames: pa.Table) -> int:
    """Expressions over the game; rows made."""
    key = "episode_id"
    tick, price = pl.col("tick"), pl.col("price")
    ticks = tick.diff().over(key)
    value = pl.col("position_qty") * price
    gain = price - pl.col("avg_entry_price")
    frame = pl.DataFrame(pl.from_arrow(frames.select([key, *_CARRIED]))).lazy()
    made = (
        frame.with_columns(pl.col(_CARRIED).cast(pl.Float64).forward_fill().over(key).fill_null(0))
        .with_columns(
            pl.when(ticks > 0).then(price.diff().over(key) / ticks).otherwise(0).alias("velocity"),
            (gain * pl.col("position_qty")).alias("unrealized_pnl"),
            (gain / pl.col("avg_entry_price")).alias("position_pnl_pct"),
            (pl.col("rugpool_amount") / pl.col("rugpool_threshold")).alias("rugpool_ratio"),
            (value / (pl.col("balance") + value)).alias("balance_at_risk_pct"),
            pl.when(pl.col("rugged") != 0).then(3).otherwise(pl.col("active") * 2).alias("phase"),
            pl.col(key).cast(pl.Categorical).to_physical().alias("game_id"),
            *(pl.lit(0.0).alias(name) for name in _ZERO),
        )
        .with_columns(
            (pl.col("velocity").diff().over(key) / ticks).alias("price_acceleration"),
        )
        .drop(key)
        .with_columns(pl.all().cast(pl.Float32).fill_nan(0).fill_null(0))
    )
    return made.collect().height
