"""The price curve against seedrandom's own words, and against the loop of protocol.md."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rugs_assets.domain import curves
from rugs_assets.domain.curves import price_curve

HEX = "0123456789abcdef"
SEEDS = st.text(HEX, min_size=64, max_size=64)
GAME_IDS = st.text(HEX, min_size=16, max_size=16).map("20251215-{}".format)


def arc4_bytes(text: str) -> Iterator[int]:
    """ARC4 of width 256 with the first 256 bytes thrown away, as the textbook has it."""
    key = text.encode("ascii")
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    i = j = 0
    for count in range(1 << 30):
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        if count >= 256:
            yield state[(state[i] + state[j]) % 256]


def seedrandom_numbers(stream: Iterator[int]) -> Callable[[], float]:
    """`prng` of seedrandom.js, line by line; its numbers are doubles, so these are floats."""

    def prng() -> float:
        n = 0.0
        for _ in range(6):
            n = n * 256 + next(stream)
        d, x = 2.0**48, 0
        while n < 2.0**52:
            n = (n + x) * 256
            d *= 256
            x = next(stream)
        while n >= 2.0**53:
            n /= 2
            d /= 2
            x >>= 1
        return (n + x) / d

    return prng


def reference_curve(seed: str, game_id: str, version: str) -> list[float]:
    """The game's loop as protocol.md tells it, one tick after the other."""
    r = seedrandom_numbers(arc4_bytes(f"{seed}-{game_id}"))
    prices = [1.0]
    for _ in range(5000):
        price = prices[-1]
        if r() < 0.005:
            break
        if version == "v3" and r() < 0.00001 and price <= 100:
            prices.append(price * 10)
            continue
        if r() < 0.125:
            size = 0.15 + r() * 0.10
            change = size if r() > 0.5 else -size
        else:
            change = -0.02 + r() * 0.05
            root = math.sqrt(price)  # exact to the last bit, which price**0.5 is not
            change += 0.005 * (root if version == "v1" else min(10, root)) * (2 * r() - 1)
        prices.append(max(0, price * (1 + change)))
    return prices


@given(SEEDS, GAME_IDS, st.sampled_from(curves.VERSIONS), st.integers(-1, 6000))
@settings(max_examples=30, deadline=None)
def test_the_fast_curve_is_the_slow_one(
    seed: str, game_id: str, version: str, expected: int
) -> None:
    found = price_curve(seed, game_id, version, expected=expected)
    assert found.tolist() == reference_curve(seed, game_id, version)


SEEN = st.sampled_from([math.nan, -1.0, -0.0, 0.0, 1.0, 99.0, 1e300, math.inf])


@given(
    SEEDS,
    GAME_IDS,
    st.sampled_from(curves.VERSIONS),
    st.lists(st.tuples(st.integers(0, 400), SEEN), max_size=3),
    st.integers(0, 400),
)
@settings(max_examples=60, deadline=None)
def test_prices_thought_likely_change_none(
    seed: str, game_id: str, version: str, wrong: list[tuple[int, float]], known: int
) -> None:
    curve = price_curve(seed, game_id, version)
    likely = np.append(curve, [7.0])[:known]
    for tick, price in wrong:
        likely[tick : tick + 1] = price
    found = price_curve(seed, game_id, version, likely=likely)
    assert found.tobytes() == curve.tobytes()


@given(st.text(HEX + "-", min_size=1, max_size=256), st.integers(1, 900), st.integers(1, 900))
@settings(max_examples=20, deadline=None)
def test_numbers_are_seedrandoms_however_they_are_blocked(text: str, first: int, then: int) -> None:
    stream = curves._Keystream(text)
    stream.draw(first)
    stream.draw(then)
    prng = seedrandom_numbers(arc4_bytes(text))
    assert stream.numbers.tolist() == [prng() for _ in range(first + then)]


def monkey_cipher(keystream: curves._Keystream, script: bytes) -> None:
    vars(keystream)["_cipher"] = Scripted(script)


class Scripted:
    """A cipher whose keystream is given: zero bytes come as often as a test wants them."""

    def __init__(self, stream: bytes) -> None:
        self.stream, self.at = stream, 0

    def encrypt(self, plain: bytes) -> bytes:
        self.at += len(plain)
        return self.stream[self.at - len(plain) : self.at]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.integers(0, 255),
            st.lists(st.integers(1, 255), min_size=24, max_size=24).map(bytes),
        ),
        min_size=1,
        max_size=20,
    )
)
@settings(max_examples=60, deadline=None)
def test_numbers_with_leading_zeros_take_more_bytes(pieces: list[tuple[int, int, bytes]]) -> None:
    script = b"".join(bytes(zeros) + bytes([lead]) + rest for zeros, lead, rest in pieces)
    stream = curves._Keystream("any")
    monkey_cipher(stream, script + bytes(range(1, 256)) * 4)
    count = len(script) // 12
    if count:
        stream.draw(count)
    prng = seedrandom_numbers(iter(script + bytes(range(1, 256)) * 4))
    assert stream.numbers.tolist() == [prng() for _ in range(count)]


@pytest.mark.parametrize(
    ("stream", "number"),
    [
        (bytes([0x80, 0, 0, 0, 0, 0, 0]), 0.5),
        (bytes([0xFF] * 7), 1 - 2.0**-53),
        (bytes([0x10, 0, 0, 0, 0, 0, 1]), 2.0**-4 + 2.0**-56),
        (bytes([0x08, 0, 0, 0, 0, 0, 0, 0x0F]), 2.0**-5 + 15 * 2.0**-64 - 2.0**-64 * 7),
        (bytes([0, 0x08, 0, 0, 0, 0, 0, 0, 1]), 2.0**-13 + 0.0),
    ],
    ids=["half", "largest", "seven bytes", "eight bytes", "nine bytes"],
)
def test_single_numbers(stream: bytes, number: float) -> None:
    keystream = curves._Keystream("any")
    monkey_cipher(keystream, stream + bytes([0xFF] * 40))
    keystream.draw(1)
    expected = seedrandom_numbers(iter(stream + bytes([0xFF] * 40)))()
    assert keystream.numbers.tolist() == [expected]
    assert abs(expected - number) < 2.0**-60


class GodCandles(curves._Keystream):
    """Numbers of which every 97th is small enough for a god candle where one is drawn."""

    def draw(self, count: int) -> None:
        before = len(self.numbers)
        super().draw(count)
        # 0.006 is above the rug's probability, so only the second draw of a tick is touched.
        index = np.arange(before, len(self.numbers))
        chosen = self.numbers[before:]
        chosen[chosen < 0.005] = 0.006
        chosen[index % 97 == 1] = 0.000001


def test_god_candles_shift_the_numbers_behind_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curves, "_Keystream", GodCandles)
    curve = price_curve("0" * 64, "20251215-00", "v3").tolist()
    seen = price_curve("0" * 64, "20251215-00", "v3", likely=np.array(curve))
    assert seen.tolist() == curve
    stream = GodCandles(f"{'0' * 64}-20251215-00")
    stream.draw(30_000)
    numbers = iter(stream.numbers.tolist())
    expected, candles = [1.0], 0
    while next(numbers) >= 0.005:
        price = expected[-1]
        if next(numbers) < 0.00001 and price <= 100:
            expected.append(price * 10)
            candles += 1
            continue
        if next(numbers) < 0.125:
            size = 0.15 + next(numbers) * 0.10
            change = size if next(numbers) > 0.5 else -size
        else:
            change = -0.02 + next(numbers) * 0.05
            change += 0.005 * min(10, price**0.5) * (2 * next(numbers) - 1)
        expected.append(max(0, price * (1 + change)))
    assert candles > 0
    assert curve == expected
    for tick in (1, 2, 97, len(curve), 5000):
        again = price_curve("0" * 64, "20251215-00", "v3", expected=tick)
        assert again.tolist() == expected


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="v4"):
        price_curve("ab" * 32, "20251215-00", "v4")
    with pytest.raises(ValueError, match="1 to 256"):
        price_curve("ab" * 32, "x" * 300, "v3")
