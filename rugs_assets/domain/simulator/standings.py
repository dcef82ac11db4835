"""What the server remembers between games: history, session statistics, rugpool.

In: finished games. Out: the JSON fragments that frames are put together from, each made once.
Invariant: the statistics are those of exactly the last 100 finished games, counted anew after each.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from rugs_assets.domain.simulator.accounts import NANO
from rugs_assets.domain.simulator.games import DAY, HISTORY, MS, PRE_HISTORY, Game
from rugs_assets.domain.simulator.numbers import number, sol, text
from rugs_assets.domain.simulator.randomness import hexadecimal

RUGPOOL_THRESHOLD = 10
INSTARUG_TICKS = 6
_ENTRIES = 10


def history_entry(game: Game, rugged_us: int, sidebets: Iterable[str]) -> str:
    """A `gameHistory` entry: everything about a finished game, its seed too."""
    prices = ", ".join([number(price) for price in (*game.curve, game.rug_price)])
    return (
        f'{{"id": "{game.id}", "timestamp": {rugged_us // MS}, "prices": [{prices}], '
        f'"peakMultiplier": {number(game.peak)}, "rugged": true, "globalTrades": [], '
        f'"globalSidebets": [{", ".join(sidebets)}], "provablyFair": {{"serverSeed": '
        f'"{game.server_seed}", "serverSeedHash": "{game.server_seed_hash}"}}, '
        f'"gameVersion": "{game.version}"}}'
    )


@dataclass(frozen=True, slots=True)
class Board:
    """What full frames say of finished games: JSON of the history and of two runs of members."""

    history: tuple[str, ...]
    statistics: str
    best: str


@dataclass(slots=True)
class Standings:
    """Finished games, as frames show them.

    Attributes:
        peaks: peak multipliers of the last 100 games, oldest first.
        history: JSON of the last 10 games, newest first.
        statistics: JSON members `averageMultiplier` to `count100x`.
        best: JSON members `highestToday` to `godCandle50xMassiveJump`.
        lean: leave out the price list of the best game.
    """

    lean: bool
    peaks: deque[float] = field(default_factory=lambda: deque(maxlen=PRE_HISTORY))
    history: deque[str] = field(default_factory=lambda: deque(maxlen=HISTORY))
    statistics: str = ""
    best: str = ""
    _day: int = -1
    _highest: Game | None = None
    _candles: dict[str, tuple[Game, int]] = field(default_factory=dict)

    def add(self, game: Game, sidebets: Iterable[str] = ()) -> None:
        """Take in a finished game."""
        self.peaks.append(game.peak)
        self.history.appendleft(history_entry(game, game.over_us - 20 * MS, sidebets))
        counts = ", ".join(
            f'"count{floor}x": {sum(peak >= floor for peak in self.peaks)}'
            for floor in (2, 10, 50, 100)
        )
        average = number(sum(self.peaks) / len(self.peaks))
        self.statistics = f'"averageMultiplier": {average}, {counts}'
        if game.over_us // DAY != self._day:
            self._day, self._highest = game.over_us // DAY, None
            self._candles.clear()
        if self._highest is None or game.peak > self._highest.peak:
            self._highest = game
        self._find_god_candles(game)
        self.best = self._best()

    def board(self) -> Board:
        """As it stands now."""
        return Board(tuple(self.history), self.statistics, self.best)

    def _find_god_candles(self, game: Game) -> None:
        for tick in range(1, game.rug_tick):
            if game.curve[tick] > 5 * game.curve[tick - 1] > 0:
                price = game.curve[tick]
                kind = "50x" if price >= 50 else "10x" if price >= 10 else "2x"
                self._candles[kind] = (game, tick)

    def _best(self) -> str:
        game = self._highest
        if game is None:
            raise ValueError("no finished game to show")
        prices = "" if self.lean else ", ".join([number(price) for price in game.curve])
        parts = [
            f'"highestToday": {number(game.peak)}, '
            f'"highestTodayTimestamp": {game.over_us // MS}, "highestTodayPrices": [{prices}]'
        ]
        for kind in ("2x", "10x", "50x"):
            peak, at, curve, jump = "null", "null", "[]", "null"
            if kind in self._candles:
                game, tick = self._candles[kind]
                peak, at = number(game.peak), str(game.over_us // MS)
                curve = f"[{', '.join([number(price) for price in game.curve])}]"
                jump = f"[{number(game.curve[tick - 1])}, {number(game.curve[tick])}]"
            name = f"godCandle{kind}"
            parts.append(
                f'"{name}": {peak}, "{name}Timestamp": {at}, '
                f'"{name}Prices": {curve}, "{name}MassiveJump": {jump}'
            )
        return ", ".join(parts)


class Rugpool:
    """The side pot: half of what insta-rugs took, drawn among the players at every tenth."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._amount = rng.randrange(NANO, 9 * NANO)
        self._count = rng.randrange(RUGPOOL_THRESHOLD)
        self._entries = [
            (f"did:privy:{hexadecimal(rng, 24)}", f"player-{hexadecimal(rng, 8)}", 5000 // (i + 1))
            for i in range(_ENTRIES)
        ]
        self.drawing: str = self._draw(0, 3 * NANO)
        self._write()

    def take(self, rug_tick: int, lost: int, at_us: int) -> str | None:
        """Count a finished game; returns the JSON of a drawing when it caused one."""
        if rug_tick > INSTARUG_TICKS:
            return None
        self._amount += lost // 2
        self._count += 1
        drawing = None
        if self._count >= RUGPOOL_THRESHOLD:
            drawing = self.drawing = self._draw(at_us, self._amount)
            self._amount, self._count = 0, 0
        self._write()
        return drawing

    def _write(self) -> None:
        self.short = (
            f'{{"instarugCount": {self._count}, "threshold": {RUGPOOL_THRESHOLD}, '
            f'"rugpoolAmount": {sol(self._amount)}}}'
        )
        total = sum(entries for _, _, entries in self._entries)
        entries = ", ".join(
            f'{{"playerId": "{player}", "entries": {count}, "username": {text(name)}, '
            f'"percentage": {number(count * 100 / total)}}}'
            for player, name, count in self._entries
        )
        self.long = (
            f'{{"instarugCount": {self._count}, "rugpoolAmount": {sol(self._amount)}, '
            f'"totalEntries": {total}, "threshold": {RUGPOOL_THRESHOLD}, '
            f'"playersWithEntries": {len(self._entries)}, "solPerEntry": 0.001, '
            f'"maxEntriesPerPlayer": 5000, "playerEntries": [{entries}], '
            f'"lastDrawing": {self.drawing}, "config": {{"threshold": {RUGPOOL_THRESHOLD}, '
            f'"instarugThreshold": {INSTARUG_TICKS}, "rugpoolPercentage": 0.5}}}}'
        )

    def _draw(self, at_us: int, amount: int) -> str:
        each = amount // 3
        at = self._rng.randrange(len(self._entries) - 2)
        winners = ", ".join(
            f'{{"playerId": "{player}", "username": {text(name)}, "entries": {entries}, '
            f'"reward": {sol(each)}}}'
            for player, name, entries in self._entries[at : at + 3]
        )
        return (
            f'{{"timestamp": {at_us // MS}, "winners": [{winners}], '
            f'"rewardPerWinner": {sol(each)}, "totalPoolAmount": {sol(amount)}}}'
        )
