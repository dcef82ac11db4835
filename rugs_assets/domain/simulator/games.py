"""The games of a day: ids, seeds, curves, and when each thing happens.

In: a `Plan`. Out: `Game` by `Game`, in order of time. Grain: one game. Invariants: a game is a pure
function of (seed, its number), its curve is the provably fair one, games follow each other without
a gap; a game's id carries the UTC date on which it was created. Times are microseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from rugs_assets.domain.curves import price_curve
from rugs_assets.domain.fairness import seed_hash
from rugs_assets.domain.simulator.plan import Plan
from rugs_assets.domain.simulator.randomness import hexadecimal, stream

MS = 1000
SECOND = 1000 * MS
DAY = 86_400 * SECOND
COOLDOWN_US = 15 * SECOND  # cooldownTimer 15000 ... 100
START_DELAY_US = 300 * MS  # from cooldownTimer 100 to tick 0, less one step of the timer
TICK_US = 250 * MS
SETTLEMENT_US = 1 * SECOND  # from the rug to the next game's cooldown
PRE_HISTORY = 100
HISTORY = 10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Game:
    """One game, decided before it begins.

    Attributes:
        number: 0, 1, ... over the whole simulation; negative before it.
        id: `YYYYMMDD-<16 hex>`.
        server_seed: 64 hex characters.
        server_seed_hash: what the server commits to.
        version: of the algorithm.
        curve: the prices before the rug; its length is the tick of the rug.
        rug_price: the price left at the rug.
        created_us: when its cooldown starts.
    """

    number: int
    id: str
    server_seed: str
    server_seed_hash: str
    version: str
    curve: list[float]
    rug_price: float
    created_us: int

    @property
    def rug_tick(self) -> int:
        """Tick of the rug."""
        return len(self.curve)

    @property
    def peak(self) -> float:
        """Highest price."""
        return max(self.curve)

    @property
    def start_us(self) -> int:
        """When tick 0 is sent."""
        return self.created_us + COOLDOWN_US + START_DELAY_US

    @property
    def rug_us(self) -> int:
        """When the rug is sent."""
        return self.start_us + self.rug_tick * TICK_US

    @property
    def over_us(self) -> int:
        """When the next game is created."""
        return self.rug_us + SETTLEMENT_US

    def price(self, tick: int) -> float:
        """Price at a tick; from the rug on, what is left."""
        return self.curve[tick] if tick < self.rug_tick else self.rug_price


def make_game(plan: Plan, number: int, created_us: int) -> Game:
    """The game of that number, created at that time."""
    rng = stream(plan.seed, "game", number)
    name = f"{moment(created_us):%Y%m%d}-{hexadecimal(rng, 16)}"
    seed = hexadecimal(rng, 64)
    version = plan.versions[rng.randrange(len(plan.versions))]
    rug_price = 0.005 + 0.015 * rng.random()
    curve = price_curve(seed, name, version).tolist()
    return Game(number, name, seed, seed_hash(seed), version, curve, rug_price, created_us)


def games_before(plan: Plan, first_us: int) -> list[Game]:
    """The finished games that the first frames look back on, oldest first, the last ending then.

    An id holds its date, and so does its curve's generator: the times are found from the last game
    backwards with durations of a guess, each game being at most seconds off the next.
    """
    games: list[Game] = []
    end = first_us
    for back in range(1, PRE_HISTORY + 1):
        guess = make_game(plan, -back, end - 60 * SECOND)
        length = guess.over_us - guess.created_us
        game = make_game(plan, -back, end - length)
        end = game.created_us
        games.append(game)
    return games[::-1]


def games_of_day(plan: Plan, index: int, first_number: int, free_us: int) -> Iterator[Game]:
    """The games created on the plan's date number `index`, in order.

    With a number of games a day they are played back to back: so that the last one runs over
    midnight where that fault is on and another date follows, else from noon, or from midnight where
    half a day is too short for them. A day of wall clock holds what fits; its last game runs over
    midnight unless that fault is off, and the next day goes on from there.

    Args:
        plan: the plan.
        index: of the date.
        first_number: of the date's first game.
        free_us: when the last game of the date before was over.

    Raises:
        ValueError: the games are too many for a day.
    """
    day = plan.start + timedelta(days=index)
    begin = midnight(day)
    last_day = index == plan.days - 1
    over = plan.faults.midnight and not last_day
    if plan.games_per_day is None:
        yield from _wall_clock(plan, begin, max(begin, free_us), first_number, over=over)
        return
    numbers = range(first_number, first_number + plan.games_per_day)
    lengths = [_length(plan, number, begin) for number in numbers]
    total = sum(lengths)
    if over:
        at = begin + DAY - total + lengths[-1] // 2
    else:
        at = begin + min(DAY // 2, max(0, DAY - total - 60 * SECOND))
    for number in numbers:
        game = make_game(plan, number, max(at, begin, free_us + 10 * SECOND))
        if game.created_us >= begin + DAY:
            raise ValueError(
                f"{plan.games_per_day} games take longer than {day}: only {number - first_number} "
                "begin in it; ask for fewer, or for a day of wall clock"
            )
        yield game
        at = game.over_us


def _wall_clock(plan: Plan, begin: int, at: int, number: int, *, over: bool) -> Iterator[Game]:
    while at < begin + DAY:
        game = make_game(plan, number, at)
        if not over and game.over_us + 3 * SECOND >= begin + DAY:
            return
        yield game
        at, number = game.over_us, number + 1


def _length(plan: Plan, number: int, day_us: int) -> int:
    game = make_game(plan, number, day_us)
    return game.over_us - game.created_us


def midnight(day: date) -> int:
    """The first microsecond of a UTC date."""
    return (day - _EPOCH.date()).days * DAY


def moment(us: int) -> datetime:
    """A time in microseconds since 1970 as an aware UTC datetime."""
    return _EPOCH + timedelta(microseconds=us)
