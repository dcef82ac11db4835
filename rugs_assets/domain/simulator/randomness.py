"""Named random streams: the only source of chance in the simulator.

In: a seed and the name of what is being decided. Out: a generator of its own. Invariant: what one
part draws never shifts what another part gets, so adding a session leaves the games as they were.
Only `random()` and `getrandbits` and what is built on them are used: they give the same numbers on
every machine.
"""

from __future__ import annotations

from hashlib import sha256
from random import Random


def stream(seed: int, *name: object) -> Random:
    """A generator for what `name` says, independent of every other name's."""
    digest = sha256(repr((seed, *name)).encode()).digest()
    return Random(int.from_bytes(digest[:16], "big"))


def chance(rng: Random, probability: float) -> bool:
    """True with the given probability; draws once in either case."""
    return rng.random() < probability


def hexadecimal(rng: Random, characters: int) -> str:
    """So many random hex characters."""
    return f"{rng.getrandbits(4 * characters):0{characters}x}"


def uuid(rng: Random) -> str:
    """A version 4 uuid."""
    text = hexadecimal(rng, 32)
    variant = "89ab"[rng.getrandbits(2)]
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"


def trace(rng: Random) -> str:
    """The JSON text of a trace object."""
    parent = f"00-{hexadecimal(rng, 32)}-{hexadecimal(rng, 16)}-01"
    return f'{{"__trace": true, "traceparent": "{parent}"}}'
