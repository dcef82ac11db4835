"""Provably fair price curves: from the server's seed to every price of a game, bit for bit.

In: server seed, game id, game version. Out: the prices drawn before the rug. Grain: one game.

Invariants: a pure function of its three arguments, to the last bit; the rug price is not part of
it, for it is not drawn from the generator.

The generator is the JavaScript library *seedrandom* in its default form: ARC4 of width 256 whose
first 256 bytes are thrown away, six bytes a number, extended by single bytes until 52 bits are
significant. Such a number is the 53 leading bits, after leading zeros, of the big-endian bytes it
has used, as a fraction: that is what lets `_Keystream` decode hundreds of them at once.

Judging a capture by its curve does not belong here: see `fairness`.
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from Crypto.Cipher import ARC4
from numpy.typing import NDArray

VERSIONS: tuple[str, ...] = ("v1", "v2", "v3")
MAX_TICKS = 5000
RUG_PROBABILITY = 0.005
GOD_CANDLE_PROBABILITY = 0.00001
GOD_CANDLE_FACTOR = 10
GOD_CANDLE_CEILING = 100
BIG_MOVE_PROBABILITY = 0.125

_KEY_WIDTH = 256
_BLOCK_TICKS = 192  # drawn beyond what was expected; rugs fall every 200 ticks on average
_MAX_BYTES_A_DRAW = 9
_LOW_53_BITS = np.uint64(53)

_NOTHING = np.empty(0)
_SHORTEST = 7  # bytes of a number whose first byte is 16 or more, as 15 in 16 are
_IS_LONG = bytes([1] * 16 + [0] * 240)  # by first byte: whether a number takes 8 bytes or more


class _Keystream:
    """The numbers of `seedrandom(text)`, in order, drawn ahead in blocks.

    Attributes:
        numbers: float64 (n,), those drawn so far.
    """

    def __init__(self, text: str) -> None:
        key = text.encode("ascii")
        if not 0 < len(key) <= _KEY_WIDTH:
            # A longer text is folded by seedrandom; no seed and game id are that long.
            raise ValueError(f"a generator text has 1 to {_KEY_WIDTH} characters, not {len(key)}")
        self._cipher = ARC4.new(key, drop=_KEY_WIDTH)
        self._bytes = b""
        self._next = 0
        self.numbers: NDArray[np.float64] = np.empty(0, dtype=np.float64)

    def draw(self, count: int) -> None:
        """Append `count` numbers to `numbers`."""
        missing = self._next + count * _MAX_BYTES_A_DRAW + 8 - len(self._bytes)
        if missing > 0:
            self._bytes += self._cipher.encrypt(bytes(missing))
        starts = self._starts(count)
        stream = np.frombuffer(self._bytes, dtype=np.uint8)
        # The eight bytes from every offset on, as views: gathering them takes one index a number.
        views = np.ndarray(len(stream) - 7, ">u8", stream, strides=(1,))
        words = views[starts].astype(np.uint64)
        # `excess` marks what lies below the 53 leading bits: it is cut off, not rounded.
        excess = words >> _LOW_53_BITS
        for shift in (1, 2, 4, 8):
            excess |= excess >> np.uint64(shift)
        numbers = (words & ~excess).astype(np.float64) * 2.0**-64
        for i in np.flatnonzero(words < 1 << 52):
            numbers[i] = self._long_number(int(starts[i]))
        self.numbers = np.concatenate((self.numbers, numbers))

    def _starts(self, count: int) -> NDArray[np.int64]:
        """Offset of each of the next `count` numbers' first byte; moves on past them.

        Numbers follow each other every 7 bytes up to the next one that takes more; every 7th byte
        laid side by side, that one is found by a search: a step for 16 numbers, not for one.
        """
        marks = self._bytes.translate(_IS_LONG)
        beside = [marks[rest::_SHORTEST] for rest in range(_SHORTEST)]
        lengths = np.full(count, _SHORTEST)
        at, number = self._next, 0
        while True:
            row, rest = divmod(at, _SHORTEST)
            found = beside[rest].find(1, row)
            number += found - row
            if found < 0 or number >= count:
                break
            at = found * _SHORTEST + rest
            lengths[number] = length = 8 if self._bytes[at] else self._long_length(at)
            at, number = at + length, number + 1
        ends = self._next + np.cumsum(lengths)
        self._next = int(ends[-1])
        return np.asarray(ends - lengths)

    def _long_length(self, at: int) -> int:
        length, number = 8, int.from_bytes(self._bytes[at : at + 8], "big")
        while number < 1 << 52:
            number = number << 8 | self._bytes[at + length]
            length += 1
        return length

    def _long_number(self, at: int) -> float:
        length = self._long_length(at)
        number = int.from_bytes(self._bytes[at : at + length], "big")
        cut = number.bit_length() - 53
        return float((number >> cut) << cut if cut > 0 else number) / float(1 << 8 * length)


def price_curve(
    server_seed: str,
    game_id: str,
    version: str,
    *,
    expected: int = _BLOCK_TICKS,
    likely: NDArray[np.float64] = _NOTHING,
) -> NDArray[np.float64]:
    """The prices of a game at its ticks before the rug.

    Args:
        server_seed: 64 hex characters, as text.
        game_id: the game's id; with the seed it makes the generator's text.
        version: one of `VERSIONS`.
        expected: at which tick the rug is expected: so much is drawn first. It changes no price.
        likely: float64 (m,), the prices as somebody saw them, NaN where nobody did; where they are
            right, they need not be worked out one after the other. They change no price.

    Returns:
        float64 (n,), multiplier: 1.0 and every drawn price; n is the tick of the rug. The rug
        price itself is not in it.

    Raises:
        ValueError: the version is not known, or the text is empty or longer than the generator's
            width.
    """
    if version not in VERSIONS:
        raise ValueError(f"game version {version!r} is not one of {', '.join(VERSIONS)}")
    god_candles = version == "v3"
    width = 5 if god_candles else 4
    stream = _Keystream(f"{server_seed}-{game_id}")
    curve, at = _Curve(likely, is_capped=version != "v1"), 0
    ticks = min(max(expected, 1), MAX_TICKS)
    while len(curve) <= MAX_TICKS:
        stream.draw(ticks * width)
        ticks = _BLOCK_TICKS
        left = min((len(stream.numbers) - at) // width, MAX_TICKS + 1 - len(curve))
        rows = stream.numbers[at : at + left * width].reshape(left, width)
        rugs = np.flatnonzero(rows[:, 0] < RUG_PROBABILITY)
        stop = int(rugs[0]) if len(rugs) else left
        gods = np.flatnonzero(rows[:stop, 1] < GOD_CANDLE_PROBABILITY) if god_candles else rugs[:0]
        ordinary = int(gods[0]) if len(gods) else stop
        curve.move(rows[:ordinary, -3:])
        at += ordinary * width
        if len(gods):
            # From here on the numbers fall into other places: cut the rows anew behind the candle.
            at += curve.god_candle(rows[ordinary])
        elif len(rugs):
            break
    return curve.prices()


class _Curve:
    """Prices so far, one after the other.

    Args:
        likely: what they may be.
        is_capped: whether noise does not grow with prices beyond 100.
    """

    def __init__(self, likely: NDArray[np.float64], *, is_capped: bool) -> None:
        self._likely = likely
        self._is_capped = is_capped
        self._parts = [np.ones(1)]
        self._count = 1

    def __len__(self) -> int:
        return self._count

    def prices(self) -> NDArray[np.float64]:
        """All of them, float64 (n,)."""
        return np.concatenate(self._parts)

    def move(self, draws: NDArray[np.float64]) -> None:
        """Append one price for each row of `draws`, float64 (n, 3): is it big, and two for how."""
        first, second = draws[:, 1], draws[:, 2]
        size = 0.15 + first * 0.10
        big = draws[:, 0] < BIG_MOVE_PROBABILITY
        drift = np.where(big, np.where(second > 0.5, size, -size), -0.02 + first * 0.05)
        swing = np.where(big, 0.0, 2 * second - 1)
        right = self._seen(drift, swing)
        self._append(right)
        self._append(self._walked(drift[len(right) :], swing[len(right) :]))

    def _seen(self, drift: NDArray[np.float64], swing: NDArray[np.float64]) -> NDArray[np.float64]:
        """The next prices as far as the likely ones are right.

        Each is worked out of the likely one before it. The first is the true one; so a price that
        agrees with the likely one is true if all before it agree, which makes the next one true.
        """
        likely = self._likely[self._count : self._count + len(drift)] + 0.0  # and never -0.0
        before = np.append(self._parts[-1][-1], likely[:-1])[: len(likely)]
        with np.errstate(all="ignore"):  # what was seen may be anything
            root = np.sqrt(before)
            noise = 0.005 * (np.minimum(10, root) if self._is_capped else root)
            change = drift[: len(likely)] + noise * swing[: len(likely)]
            price = np.maximum(0.0, before * (1 + change)) + 0.0
        wrong = np.flatnonzero(price != likely)
        return np.asarray(price[: wrong[0]] if len(wrong) else price)

    def _walked(
        self, drift: NDArray[np.float64], swing: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The next prices, one out of the other."""
        price, prices = float(self._parts[-1][-1]), []
        for steady, noise in zip(drift.tolist(), swing.tolist(), strict=True):
            change = steady
            if noise:
                root = sqrt(price)
                change += 0.005 * (min(10, root) if self._is_capped else root) * noise
            price = max(0.0, price * (1 + change))
            prices.append(price)
        return np.array(prices, dtype=np.float64)

    def god_candle(self, row: NDArray[np.float64]) -> int:
        """Append the price of a tick whose god candle was drawn; returns the numbers it used."""
        price = self._parts[-1][-1]
        if price <= GOD_CANDLE_CEILING:
            self._append(np.array([price * GOD_CANDLE_FACTOR]))
            return 2
        self.move(row[None, -3:])
        return len(row)

    def _append(self, prices: NDArray[np.float64]) -> None:
        if len(prices):
            self._parts.append(prices)
            self._count += len(prices)
