"""The recorder of one session: orders what passes, loses and repeats some, writes it down.

In: messages with their times of arrival, presses and requests with theirs. Out: records on the
session's tapes, and counts of the faults. Invariants: records are written in order of time, each
with a time of its own; sequence numbers count what was recorded.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from dataclasses import dataclass, replace
from random import Random

from rugs_assets.domain.simulator.games import SECOND
from rugs_assets.domain.simulator.messages import ACTIVE, COOLDOWN, PRESALE, Frame, Message
from rugs_assets.domain.simulator.plan import Faults
from rugs_assets.domain.simulator.randomness import chance
from rugs_assets.domain.simulator.recording import Holdings, Record
from rugs_assets.domain.simulator.store import StoreWriter
from rugs_assets.domain.simulator.truth import SessionTruth
from rugs_assets.domain.simulator.wire import GOOD, RawWriter

_ANSWER_US = 5 * SECOND


@dataclass(slots=True)
class Tape:
    """One session as it appears in the captures: a writer, its presses, its truth.

    In the format `both` a recorder has two tapes, which are two sessions to whoever reads them.
    """

    writer: RawWriter | StoreWriter
    presses: StoreWriter | None
    truth: SessionTruth
    username: str | None = None


class Recorder:
    """Records one session.

    Args:
        tapes: where to.
        faults: what goes wrong on the way.
        rng: of the faults.
        counts: of faults and events, added to.
    """

    def __init__(
        self, tapes: list[Tape], faults: Faults, rng: Random, counts: Counter[str]
    ) -> None:
        self._tapes, self._faults, self._rng, self._counts = tapes, faults, rng, counts
        self._queue: list[tuple[int, int, Record]] = []
        self._held: list[tuple[int, Record]] = []
        self._unanswered: deque[Record] = deque()
        self._queued = self._seq = self._last_us = 0

    def receive(self, message: Message, at_us: int, holdings: Holdings | None) -> None:
        """A message that will have arrived at that time."""
        data = message.payload
        if message.trace is not None:
            data = f"[{message.trace}, {data}]"
        frame = message.meaning if isinstance(message.meaning, Frame) else None
        self.note(
            Record(
                at_us,
                message.event,
                data,
                game_id=message.game_id,
                player_id=message.player_id,
                frame=frame,
                holdings=holdings,
                traced=message.trace,
            )
        )

    def note(self, record: Record) -> None:
        """Anything else that passes at its time."""
        self._queued += 1
        heapq.heappush(self._queue, (record.at_us, self._queued, record))

    def flush(self, until_us: int) -> None:
        """Write down everything up to a time; nothing earlier may come after this."""
        while self._queue and self._queue[0][0] <= until_us:
            self._record(heapq.heappop(self._queue)[2])
        while self._unanswered and (
            self._is_settled(self._unanswered[0])
            or self._unanswered[0].at_us + _ANSWER_US < until_us
        ):
            self._write_press(self._unanswered.popleft())

    def close_game(self, game_id: str) -> None:
        """A game has long been over."""
        for tape in self._tapes:
            tape.truth.close_game(game_id)

    def close(self, at_us: int) -> None:
        """The session ends: what has not arrived by then is not recorded."""
        self.flush(at_us)
        for _, record in self._held:
            self._write(record)
        while self._unanswered:
            self._write_press(self._unanswered.popleft())
        for tape in self._tapes:
            tape.writer.flush()
            if tape.presses is not None:
                tape.presses.flush()
            tape.truth.close()

    def _record(self, record: Record) -> None:
        faults, rng = self._faults, self._rng
        if record.press is not None:
            self._press(record)
            return
        frame = record.frame
        if frame is None:
            if record.traced and faults.trace_only and chance(rng, faults.trace_only):
                record.data, record.game_id, record.player_id = record.traced, None, None
                self._counts["trace_only"] += 1
            self._write(record)
            return
        if faults.dropped and chance(rng, faults.dropped):
            self._counts["dropped"] += 1
            return
        if faults.late and _may_be_late(frame) and chance(rng, faults.late):
            self._held.append((1 + rng.randrange(3), record))
            self._counts["late"] += 1
            return
        self._write(record)
        played = frame.phase == ACTIVE and frame.tick is not None
        if played and faults.repeated and chance(rng, faults.repeated):
            self._write(replace(record))
            self._counts["repeated"] += 1
        self._release()

    def _release(self) -> None:
        """Write the held frames behind which enough others have passed."""
        held = [(left - 1, record) for left, record in self._held]
        self._held = [(left, record) for left, record in held if left > 0]
        for left, record in held:
            if left <= 0:
                self._write(record)

    def _stamp(self, record: Record) -> None:
        self._last_us = record.at_us = max(record.at_us, self._last_us + 1)
        self._seq += 1
        record.seq = self._seq

    def _write(self, record: Record) -> None:
        self._stamp(record)
        self._counts["events"] += 1
        self._counts[f"event {record.event}"] += 1
        rate = self._faults.duplicated
        repeat = bool(rate) and chance(self._rng, rate)
        for tape in self._tapes:
            written = tape.writer.write(record, repeat=repeat)
            for where in written:
                if where.kind != GOOD:
                    self._counts[where.kind] += 1
            tape.truth.wrote(record, written)

    def _press(self, record: Record) -> None:
        self._stamp(record)
        press = record.press
        if press is not None:
            press.pressed_us = record.at_us
            self._counts["presses"] += 1
            for tape in self._tapes:
                if tape.presses is not None:
                    tape.truth.pressed(record, press)
        self._unanswered.append(record)

    def _write_press(self, record: Record) -> None:
        press = record.press
        for tape in self._tapes:
            if tape.presses is not None and press is not None:
                tape.presses.press(record, press, tape.username)

    @staticmethod
    def _is_settled(record: Record) -> bool:
        press = record.press
        return press is None or press.order is None or press.answered is not None


def _may_be_late(frame: Frame) -> bool:
    """Late frames stay within their phase: the next phase must not seem to be undone."""
    if frame.tick is not None:
        return frame.phase == ACTIVE and frame.tick > 0
    if frame.phase == COOLDOWN:
        return frame.timer > 10_500
    return frame.phase == PRESALE and 500 < frame.timer < 9_900
