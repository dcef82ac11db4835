"""When the server speaks: the beats of a game, and of one game after the other.

In: games. Out: `Beat`s in order of time. Invariant: the next game is opened exactly where the last
one is over; only the last full frame of a rugged game may come after that, as it does in the real
captures, where frames of two games interleave.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from random import Random

from rugs_assets.domain.simulator.games import MS, SECOND, TICK_US, Game

STEP_US = 100 * MS
FEED_US = 2 * SECOND
PRESALE_TIMER = 10_000
FIRST_TIMER = 15_000
_STUB_US = SECOND


class Kind(IntEnum):
    """What a beat is; beats of the same moment go in this order."""

    OPEN = 0  # the game is created: nothing is sent
    TIMER = 1  # a step of the cooldown or the presale; `number` is the timer
    FULL_OPEN = 2  # the full frame that reveals the last game's seed
    START = 3  # the start frame of tick 0
    FULL_START = 4
    TICK = 5  # `number` is the tick
    RUG = 6
    SETTLED = 7  # what the rug did to the own players
    FULL_RUG = 8  # `number` is its tick, behind the rug's
    FEED = 9  # the public feed may carry a trade
    TALK = 10
    CLOSED = 11  # everything of the game has been sent


@dataclass(frozen=True, slots=True, order=True)
class Beat:
    """One thing the server does."""

    at_us: int
    kind: Kind
    number: int
    game: Game


def beats_of(game: Game, rng: Random) -> list[Beat]:
    """The beats of a game, in order; `FULL_RUG` and `CLOSED` may lie behind its end."""
    created, start, rug, over = game.created_us, game.start_us, game.rug_us, game.over_us
    beats = [Beat(created, Kind.OPEN, 0, game)]
    for step in range(1, FIRST_TIMER // 100):
        timer = FIRST_TIMER - 100 * step
        beats.append(Beat(created + step * STEP_US, Kind.TIMER, timer, game))
    # The first step of the timer usually overtakes the big frame that should come before it.
    opening = 10 if rng.random() < 0.3 else 110
    beats += [
        Beat(created + opening * MS, Kind.FULL_OPEN, FIRST_TIMER, game),
        Beat(start, Kind.START, 0, game),
        Beat(start + 150 * MS, Kind.FULL_START, 0, game),
        Beat(rug, Kind.RUG, game.rug_tick, game),
        Beat(rug + 8 * MS, Kind.SETTLED, 0, game),
    ]
    for tick in range(1, game.rug_tick):
        beats.append(Beat(start + tick * TICK_US, Kind.TICK, tick, game))
    behind = (-60, -60, -60, 140, 240, 340)[rng.randrange(6)] * MS
    beats += [
        Beat(over + behind, Kind.FULL_RUG, game.rug_tick + 2 + rng.randrange(2), game),
        Beat(over + behind, Kind.CLOSED, 0, game),
        Beat(start + 160 * MS, Kind.FEED, 0, game),
    ]
    first_mark = (start // FEED_US + 1) * FEED_US + 31 * MS
    beats += [Beat(at, Kind.FEED, 0, game) for at in range(first_mark, over - 100 * MS, FEED_US)]
    beats += [Beat(at, Kind.TALK, 0, game) for at in range(created + 47 * MS, over, SECOND // 4)]
    beats.sort()
    return beats


def timeline(games: Iterable[Game], rng: Random) -> Iterator[Beat]:
    """The beats of games that follow each other, merged.

    Where a game does not start right when the last one is over, the server goes down for a while:
    the game after the last one is only opened, which reveals the last one's seed, and never played.
    So it is with the last game of all.
    """
    left: list[Beat] = []
    last: Game | None = None
    for game in games:
        if last is not None and game.created_us != last.over_us:
            yield from _until_closed(last, left, rng)
            left = []
        yield_now, left = _split([*left, *beats_of(game, rng)], game.over_us)
        yield from yield_now
        last = game
    if last is not None:
        yield from _until_closed(last, left, rng)


def _until_closed(last: Game, left: list[Beat], rng: Random) -> Iterator[Beat]:
    stub = never_played(last)
    opened, _ = _split(beats_of(stub, rng), stub.created_us + _STUB_US)
    yield from sorted([*left, *opened])


def _split(beats: list[Beat], end_us: int) -> tuple[list[Beat], list[Beat]]:
    now = sorted(beat for beat in beats if beat.at_us < end_us)
    return now, sorted(beat for beat in beats if beat.at_us >= end_us)


def never_played(last: Game) -> Game:
    """The game that is announced after `last` and then called off."""
    name = f"{last.id[:9]}{last.server_seed_hash[:16]}"
    return Game(
        number=last.number,
        id=name,
        server_seed="0" * 64,
        server_seed_hash=last.server_seed_hash[::-1],
        version=last.version,
        curve=[1.0],
        rug_price=0.01,
        created_us=last.over_us,
    )
