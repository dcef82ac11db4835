"""Who records what when: the sessions of a day.

In: the plan and the day's games. Out: `Session`s. Invariant: without the faults, the sessions of a
day share its games between them, each game whole in one of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from rugs_assets.domain.simulator.games import DAY, SECOND, Game, moment
from rugs_assets.domain.simulator.plan import Plan
from rugs_assets.domain.simulator.randomness import chance, stream, uuid

_OVERLAP_GAMES = 2
_LINGER_US = 1 * SECOND  # long enough for the full frame that reveals the last game's seed
_OFFSETS_MINUTES = (-300, -300, -480, 60, 330)


@dataclass(frozen=True, slots=True)
class Session:
    """One recording.

    Attributes:
        number: over the whole simulation.
        slot: its place among the sessions of its day; the first ones have the players.
        has_player: whether an own player trades in it.
        start_us: when it connects.
        stop_us: when it stops.
        offset_us: of its naive local clock; None for stamps with an offset.
        old: its lines have the older keys.
        raw_path: of its raw JSONL file.
        uuid: its name in the event store.
    """

    number: int
    slot: int
    has_player: bool
    start_us: int
    stop_us: int
    offset_us: int | None
    old: bool
    raw_path: str
    uuid: str

    @property
    def raw_id(self) -> str:
        """Its name as a raw JSONL file: the path without the suffix."""
        return self.raw_path.removesuffix(".jsonl")


def sessions_of_day(plan: Plan, day: int, games: Sequence[Game]) -> list[Session]:
    """The sessions of a day whose games are given."""
    sessions: list[Session] = []
    for slot in range(plan.sessions):
        number = day * plan.sessions + slot
        rng = stream(plan.seed, "session", number)
        start, stop = _window(plan, day, slot, games, rng)
        has_player = slot < plan.players
        offset = None
        if plan.faults.naive_clock and not has_player:
            offset = _OFFSETS_MINUTES[rng.randrange(len(_OFFSETS_MINUTES))] * 60 * SECOND
        old = plan.faults.old_envelope and not has_player and number % 3 == plan.sessions - 1
        local = moment(start + (offset or 0))
        kind = "cdp" if has_player else "raw"
        path = f"raw_jsonl/{local:%Y-%m-%d_%H-%M-%S}_{kind}.jsonl"
        if any(one.raw_path == path for one in sessions):
            path = path.replace(f"_{kind}.", f"_{slot}_{kind}.")
        name = uuid(rng)
        sessions.append(Session(number, slot, has_player, start, stop, offset, old, path, name))
    return sessions


def faults_of_day(sessions: Sequence[Session], games: Sequence[Game]) -> Counter[str]:
    """How often the faults of whole sessions and games strike on a day; sessions are counted, too.

    `cut_sessions` are those that start or stop within a game, `overlap` the games of which more
    than one session sees some play, `midnight` those that run over midnight.
    """
    begins, ends = {one.created_us for one in games}, {one.over_us + _LINGER_US for one in games}
    cut = [one for one in sessions if one.start_us not in begins or one.stop_us not in ends]
    shared = [
        game
        for game in games
        if sum(one.start_us < game.rug_us and game.start_us < one.stop_us for one in sessions) > 1
    ]
    return Counter(
        sessions=len(sessions),
        naive_clock=sum(one.offset_us is not None for one in sessions),
        old_envelope=sum(one.old for one in sessions),
        cut_sessions=len(cut),
        overlap=len(shared),
        midnight=sum(one.created_us // DAY != one.rug_us // DAY for one in games),
    )


def _window(plan: Plan, day: int, slot: int, games: Sequence[Game], rng: Random) -> tuple[int, int]:
    """When a session starts and stops."""
    count = len(games)
    first = min(count * slot // plan.sessions, count - 1)
    last = max(first, count * (slot + 1) // plan.sessions - 1)
    if plan.faults.overlap:
        first = max(0, first - (_OVERLAP_GAMES if slot else 0))
        last = min(count - 1, last + (_OVERLAP_GAMES if slot < plan.sessions - 1 else 0))
    start, stop = games[first].created_us, games[last].over_us + _LINGER_US
    if not plan.faults.cut_sessions:
        return start, stop
    start = _within(games[first], rng)
    # The last game of a day is left whole where another day follows: it may run over midnight.
    if last < count - 1 or day == plan.days - 1:
        stop = max(_within(games[last], rng), start + 2 * SECOND)
    return start, stop


def _within(game: Game, rng: Random) -> int:
    """Some time in a game; half of the time in its presale, as people start recorders."""
    begin = game.created_us + 5 * SECOND if chance(rng, 0.5) else game.start_us
    end = game.start_us if begin < game.start_us else game.rug_us
    return begin + int(rng.random() * (end - begin))
