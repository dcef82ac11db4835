"""What to simulate: the arguments, checked once, and the faults with their rates.

In: what a caller wants. Out: frozen records. Invariant: with the same `Plan` the simulator gives
the same bytes. What the faults do to a capture stands in `recorder`, `wire`, `network`, `sessions`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum

from rugs_assets.domain.curves import VERSIONS


class Format(StrEnum):
    """How sessions are recorded. Presses always go to the event store: no other format has them."""

    RAW_JSONL = "raw-jsonl"
    EVENT_STORE = "event-store"
    BOTH = "both"


class Payload(StrEnum):
    """How much the frames carry: as the real ones, or only what the pipeline reads."""

    REALISTIC = "realistic"
    LEAN = "lean"


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong, each switchable. Rates are probabilities for each record unless said.

    Attributes:
        dropped: a frame never reaches the recorder.
        repeated: an active frame arrives twice, with a sequence number of its own each time.
        duplicated: the recorder writes a line twice, byte for byte.
        late: a frame is recorded behind one to three later ones.
        bursts: the connection stalls for 0.3 to 2.5 s, then delivers all at once.
        trace_only: the recorder loses the payload of a traced event.
        broken: a raw JSONL line is damaged (see `wire.DAMAGES`), or a store's cell is cut off.
        clumsy: the player presses when it is no use, or a button nobody knows (for each frame).
        reconnects: a session loses its connection for 1 to 8 s (for each game).
        naive_clock: sessions without a player stamp naive local time.
        old_envelope: every third session without a player has the older keys and no `seq`.
        cut_sessions: sessions start and stop in the middle of a game.
        overlap: sessions of a day record some of the same games.
        midnight: the last game of every day but the last runs over midnight.

    Raises:
        ValueError: a rate is no probability; the message says which.
    """

    dropped: float = 0.0
    repeated: float = 0.0
    duplicated: float = 0.0
    late: float = 0.0
    bursts: float = 0.0
    trace_only: float = 0.0
    broken: float = 0.0
    clumsy: float = 0.0
    reconnects: float = 0.0
    naive_clock: bool = False
    old_envelope: bool = False
    cut_sessions: bool = False
    overlap: bool = False
    midnight: bool = False

    def __post_init__(self) -> None:
        for name in FAULTS:
            if not 0 <= (rate := getattr(self, name)) <= 1:
                raise ValueError(f"fault {name}: a probability is 0 to 1, not {rate}")

    @classmethod
    def usual(cls, names: Collection[str] | None = None) -> Faults:
        """Every fault on, or those that are named, about as often as real captures show them.

        Raises:
            ValueError: there is no fault of that name; the message lists those that there are.
        """
        if names is not None and (unknown := sorted(set(names) - set(FAULTS))):
            raise ValueError(f"no fault {unknown[0]!r}; there are {', '.join(FAULTS)}")
        every = cls._every()
        return every if names is None else cls(**{name: getattr(every, name) for name in names})

    @classmethod
    def _every(cls) -> Faults:
        return cls(
            dropped=0.003,
            repeated=0.002,
            duplicated=0.001,
            late=0.002,
            bursts=0.001,
            trace_only=0.05,
            broken=0.001,
            clumsy=0.002,
            reconnects=0.05,
            naive_clock=True,
            old_envelope=True,
            cut_sessions=True,
            overlap=True,
            midnight=True,
        )


FAULTS = tuple(field.name for field in fields(Faults))
"""Names of the faults."""

_FIRST, _LAST = date(1970, 1, 2), date(9999, 12, 30)
"""Dates that a simulation can have: one more on either side is looked back on or run into."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A simulation.

    Attributes:
        seed: of everything random.
        start: first UTC date.
        days: how many dates.
        sessions: recording sessions a day; they share the day's games between them.
        players: how many of these sessions have an own player who trades.
        games_per_day: games a date, back to back; None: as many as a day of wall clock holds.
        format: how the sessions are recorded.
        payload: how much the frames carry.
        faults: what goes wrong.
        throttled_trades: the public feed carries one trade every 2 s, as it does in the real
            captures; otherwise every trade at once.
        policies: names of the players' policies (see `policies.POLICIES`), dealt in turn to the
            players of a day, from the next one on each further day.
        versions: game versions, drawn for each game.

    Raises:
        ValueError: a number is out of range or a name is not known; the message says which.
    """

    seed: int = 0
    start: date = date(2025, 12, 15)
    days: int = 1
    sessions: int = 1
    players: int = 0
    games_per_day: int | None = 60
    format: Format = Format.RAW_JSONL
    payload: Payload = Payload.REALISTIC
    faults: Faults = Faults()
    throttled_trades: bool = True
    policies: tuple[str, ...] = ("random", "hold", "momentum", "side-better")
    versions: tuple[str, ...] = ("v3",)

    def __post_init__(self) -> None:
        if self.days < 1 or self.sessions < 1:
            raise ValueError("a simulation has at least one day and one session a day")
        if not 0 <= self.players <= self.sessions:
            raise ValueError(f"players: 0 to {self.sessions} (one a session), not {self.players}")
        if self.start < _FIRST or self.start.toordinal() + self.days - 1 > _LAST.toordinal():
            raise ValueError(f"{self.days} days from {self.start}: dates are {_FIRST} to {_LAST}")
        if self.games_per_day is not None and self.games_per_day < 1:
            raise ValueError("games per day: at least 1, or none for a whole day of wall clock")
        if not self.policies or not set(self.versions) <= set(VERSIONS) or not self.versions:
            raise ValueError(f"at least one policy, and versions out of {', '.join(VERSIONS)}")
