"""Session state: what reading on in a session needs to know of what was read.

In: the ids that name the own player, and the numbers of records. Out: the pseudonyms of the own
player, and the sequence numbers, which strictly ascend whatever the recorder wrote. Used by
``capture`` and ``payload_reader``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np
import xxhash

from rugs_assets.domain.clock import Stamp
from rugs_assets.domain.payloads import Pseudonym

REPEATS_REMEMBERED = 4096
"""How far back a record with an old number is looked for before it counts as new."""

_LARGEST_SEQ = 2**53


class Recent:
    """The keys of the last records, to tell repeats."""

    def __init__(self) -> None:
        self._order: deque[Hashable] = deque()
        self._known: set[Hashable] = set()
        self._later: deque[list[Sequence[Hashable]]] = deque()
        self._held = 0  # keys in `_later`

    def note(self, *columns: Sequence[Hashable]) -> None:
        """Remember the keys that these columns make together, when somebody asks."""
        self._later.append(list(columns))
        self._held += len(columns[0])
        while self._held - len(self._later[0][0]) >= REPEATS_REMEMBERED:
            self._held -= len(self._later.popleft()[0])

    def repeats(self, key: Hashable) -> bool:
        """Whether the key was there lately; if not, it is now."""
        self._held = 0
        while self._later:
            for earlier in zip(*self._later.popleft(), strict=True):
                self._add(earlier)
        if key in self._known:
            return True
        self._add(key)
        return False

    def _add(self, key: Hashable) -> None:
        if key in self._known:
            return
        self._order.append(key)
        self._known.add(key)
        if len(self._order) > REPEATS_REMEMBERED:
            self._known.discard(self._order.popleft())


@dataclass(slots=True)
class SessionState:
    """What reading on needs to know about a session.

    Attributes:
        own: pseudonyms of the ids that named the own player so far, the last one last.
        own_ids: the ids themselves as far as this process saw them, by pseudonym (never stored).
        revealed: games whose history entry was already read.
        last_seq: the highest sequence number so far.
        recent: what identifies the last records.
        is_numbered: whether a row of the event store had a number; where none has, they are
            numbered by their stamps.
        last_of_stamp: the number of the last row that was numbered so.
    """

    own: list[str] = field(default_factory=list)
    own_ids: dict[str, bytes] = field(default_factory=dict)
    revealed: set[str] = field(default_factory=set)
    last_seq: int = 0
    recent: Recent = field(default_factory=Recent)
    is_numbered: bool = False
    last_of_stamp: int = 0
    _of_stamps: dict[int, int] = field(default_factory=dict)

    def name_own(self, player_id: str | None, pseudonym: Pseudonym) -> None:
        """Note that this id is the own player's."""
        if not player_id:
            return
        own = pseudonym(player_id)
        self.own_ids.setdefault(own, player_id.encode())
        if self.own[-1:] != [own]:
            self.own = [known for known in self.own if known != own] + [own]

    def number_of_stamp(self, us: int) -> int:
        """A number for a record that has none, from its stamp: of equal ones in their order.

        Args:
            us: the stamp, in microseconds.
        """
        found = self._of_stamps.pop(us, us - 1) + 1
        self._of_stamps[us] = self.last_of_stamp = found
        if len(self._of_stamps) > REPEATS_REMEMBERED:
            del self._of_stamps[next(iter(self._of_stamps))]
        return found

    def number(
        self,
        recorded: Sequence[float | None],
        stamps: Sequence[Stamp],
        events: Sequence[str],
        raw: Callable[[int], bytes],
    ) -> list[int | None]:
        """Sequence numbers for the next records of a JSONL file, in the order of the file.

        The recorded number counts where it is higher than all before. A lower one is a repeat where
        number, stamp and event are those of a recent record; otherwise a second recording begins in
        the same file, which is numbered on. Records without a number repeat an earlier one only
        where all their bytes do.

        Args:
            recorded: the numbers in the file.
            stamps: the time stamps.
            events: the names.
            raw: index -> the bytes of the record.

        Returns:
            For each record its number; None where it repeats an earlier record.
        """
        given = np.array(recorded, np.float64)
        with np.errstate(invalid="ignore"):  # what is no int64 does not equal what it becomes
            numbers = given.astype(np.int64)
        ascend = (numbers[1:] > numbers[:-1]).all() and (numbers[:1] > self.last_seq).all()
        if ascend and ((given == numbers) & (given < _LARGEST_SEQ)).all():
            self.recent.note(recorded, stamps, events)
            found: list[int | None] = numbers.tolist()
            self.last_seq = int(numbers[-1]) if found else self.last_seq
            return found
        is_number = (given == np.floor(given)) & (given < _LARGEST_SEQ)
        return [
            self._number(number if usable else None, stamps[at], events[at], raw, at)
            for at, (number, usable) in enumerate(zip(recorded, is_number.tolist(), strict=True))
        ]

    def _number(
        self,
        recorded: float | None,
        stamp: Stamp,
        event: str,
        raw: Callable[[int], bytes],
        at: int,
    ) -> int | None:
        key: Hashable = (recorded, stamp, event)
        if recorded is None:
            key = xxhash.xxh3_128_digest(raw(at))
        is_repeat = self.recent.repeats(key)
        if recorded is not None and recorded > self.last_seq:
            self.last_seq = int(recorded)
        elif is_repeat:
            return None
        else:
            self.last_seq += 1
        return self.last_seq
