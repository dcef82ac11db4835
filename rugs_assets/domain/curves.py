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
_BLOCK_TICKS = 192  # rugs fall every 200 ticks on average: most games need one or two blocks
_MAX_BYTES_A_DRAW = 9
_LOW_53_BITS = np.uint64(53)

# Bytes used by a draw, by its first byte: 7, or 8 where the top four bits are 0. A first byte of 0
# may need a ninth, which the second byte decides; the 0 in the table asks for that look.
_DRAW_BYTES = bytes([0]) + bytes([8] * 15) + bytes([7] * 240)


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
        words = stream[starts[:, None] + np.arange(8)].view(">u8")[:, 0].astype(np.uint64)
        # `excess` marks what lies below the 53 leading bits: it is cut off, not rounded.
        excess = words >> _LOW_53_BITS
        for shift in (1, 2, 4, 8):
            excess |= excess >> np.uint64(shift)
        numbers = (words & ~excess).astype(np.float64) * 2.0**-64
        for i in np.flatnonzero(words < 1 << 52):
            numbers[i] = self._long_number(int(starts[i]))
        self.numbers = np.concatenate((self.numbers, numbers))

    def _starts(self, count: int) -> NDArray[np.int64]:
        """Offset of each of the next `count` numbers' first byte; moves on past them."""
        stream, at = self._bytes, self._next
        lengths = stream.translate(_DRAW_BYTES)
        starts: list[int] = []
        append = starts.append
        for _ in range(count):
            append(at)
            at += lengths[at] or self._long_length(at)
        self._next = at
        return np.array(starts, dtype=np.int64)

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
    server_seed: str, game_id: str, version: str, *, expected: int = _BLOCK_TICKS
) -> NDArray[np.float64]:
    """The prices of a game at its ticks before the rug.

    Args:
        server_seed: 64 hex characters, as text.
        game_id: the game's id; with the seed it makes the generator's text.
        version: one of `VERSIONS`.
        expected: at which tick the rug is expected: so much is drawn first. It changes no price.

    Returns:
        float64 (n,), multiplier: 1.0 and every drawn price; n is the tick of the rug. The rug
        price itself is not in it.

    Raises:
        ValueError: the version is not known, or the text is empty or longer than the generator's
            width.
    """
    if version not in VERSIONS:
        raise ValueError(f"game version {version!r} is not one of {', '.join(VERSIONS)}")
    god_candles, capped = version == "v3", version != "v1"
    width = 5 if god_candles else 4
    stream = _Keystream(f"{server_seed}-{game_id}")
    prices, at = [1.0], 0
    ticks = min(max(expected, 1), MAX_TICKS)
    while len(prices) <= MAX_TICKS:
        stream.draw(ticks * width)
        ticks = _BLOCK_TICKS
        left = min((len(stream.numbers) - at) // width, MAX_TICKS + 1 - len(prices))
        rows = stream.numbers[at : at + left * width].reshape(left, width)
        rugs = np.flatnonzero(rows[:, 0] < RUG_PROBABILITY)
        stop = int(rugs[0]) if len(rugs) else left
        gods = np.flatnonzero(rows[:stop, 1] < GOD_CANDLE_PROBABILITY) if god_candles else rugs[:0]
        ordinary = int(gods[0]) if len(gods) else stop
        _move(prices, rows[:ordinary, -3:], capped=capped)
        at += ordinary * width
        if len(gods):
            # From here on the numbers fall into other places: cut the rows anew behind the candle.
            at += _god_candle(prices, rows[ordinary], capped=capped)
        elif len(rugs):
            break
    return np.array(prices, dtype=np.float64)


def _move(prices: list[float], draws: NDArray[np.float64], *, capped: bool) -> None:
    """Append one price for each row of `draws`, float64 (n, 3): is it big, and two that say how."""
    first, second = draws[:, 1], draws[:, 2]
    size = 0.15 + first * 0.10
    big = draws[:, 0] < BIG_MOVE_PROBABILITY
    steady = np.where(big, np.where(second > 0.5, size, -size), -0.02 + first * 0.05).tolist()
    noise = np.where(big, 0.0, 2 * second - 1).tolist()
    price = prices[-1]
    append = prices.append
    for drift, swing in zip(steady, noise, strict=True):
        change = drift
        if swing:
            root = sqrt(price)
            change += 0.005 * (min(10, root) if capped else root) * swing
        price = max(0.0, price * (1 + change))
        append(price)


def _god_candle(prices: list[float], row: NDArray[np.float64], *, capped: bool) -> int:
    """Append the price of a tick whose god candle was drawn; returns the numbers it used."""
    if prices[-1] <= GOD_CANDLE_CEILING:
        prices.append(prices[-1] * GOD_CANDLE_FACTOR)
        return 2
    _move(prices, row[None, -3:], capped=capped)
    return len(row)
