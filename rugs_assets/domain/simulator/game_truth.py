"""The truth about games, which no session sees as a whole: seeds, all trades, the players' wealth.

In: games that are over. Out: Parquet tables. Grain: a game, a game of a player, a trade.
"""

from __future__ import annotations

from collections import Counter

import pyarrow as pa

from rugs_assets.domain.simulator.games import moment
from rugs_assets.domain.simulator.outputs import Output, Truth, schema, table_of
from rugs_assets.domain.simulator.rounds import Round

GAMES = schema(
    ("game_id", pa.string()),
    ("capture_date", pa.date32()),
    ("server_seed", pa.string()),
    ("server_seed_hash", pa.string()),
    ("version", pa.string()),
    ("rug_tick", pa.int32()),
    ("rug_price", pa.float64()),
    ("peak", pa.float64()),
    ("created_us", pa.int64()),
    ("started_us", pa.int64()),
    ("rugged_us", pa.int64()),
)
"""Every game that was played, recorded or not."""

WEALTH = schema(
    ("game_id", pa.string()),
    ("player_id", pa.string()),
    ("before", pa.int64()),
    ("after", pa.int64()),
)
"""An own player's cash when a game was created and after its settlement, 1e-9 SOL. Nothing is held
between games, so this is all the player's wealth."""

TRADES = schema(
    ("game_id", pa.string()),
    ("trade_id", pa.string()),
    ("player_id", pa.string()),
    ("kind", pa.string()),
    ("amount", pa.int64()),
    ("qty", pa.int64()),
    ("price", pa.float64()),
    ("tick", pa.int32()),
    ("at_us", pa.int64()),
    ("is_forced", pa.bool_()),
    ("is_announced", pa.bool_()),
)
"""Every trade and side bet of every player, in order; 1e-9 SOL and tokens. Of a `payout` the amount
is what was paid (0 when lost) and the quantity what had been bet."""

COUNTS = schema(("what", pa.string()), ("count", pa.int64()))
"""How many events of each kind were recorded and how often each fault struck."""

_TRADES_A_FILE = 50_000


class GameTruth:
    """Collects what is known of games."""

    def __init__(self, outputs: list[Output]) -> None:
        self._outputs = outputs
        self._games: list[tuple[object, ...]] = []
        self._wealth: list[tuple[object, ...]] = []
        self._trades: list[tuple[object, ...]] = []
        self._part = 0

    def add(self, closed: Round) -> None:
        """Take in a game that is over."""
        game = closed.scene.game
        proof = (game.server_seed, game.server_seed_hash, game.version)
        course = (game.rug_tick, game.rug_price, game.peak)
        times = (game.created_us, game.start_us, game.rug_us)
        self._games.append((game.id, moment(game.created_us).date(), *proof, *course, *times))
        for player_id, after in (closed.after or {}).items():
            self._wealth.append((game.id, player_id, closed.before[player_id], after))
        for one in closed.trades:
            values = (one.id, one.player.id, one.kind, one.amount, one.qty, one.price, one.tick)
            marks = (one.at_us, one.forced, one.id in closed.announced)
            self._trades.append((game.id, *values, *marks))
        if len(self._trades) >= _TRADES_A_FILE:
            self._flush()

    def close(self, counts: Counter[str]) -> None:
        """All games are over."""
        self._flush()
        rows: list[tuple[object, ...]] = [(what, counts[what]) for what in sorted(counts)]
        self._outputs.append(Truth("counts.parquet", table_of(rows, COUNTS)))

    def _flush(self) -> None:
        for name, rows, of in (
            ("games", self._games, GAMES),
            ("wealth", self._wealth, WEALTH),
            ("trades", self._trades, TRADES),
        ):
            path = f"{name}/part-{self._part:04d}.parquet"
            self._outputs.append(Truth(path, table_of(rows, of)))
            rows.clear()
        self._part += 1
