"""Stored blocks: rows of event-store files, decoded together whatever file they come from.

In: `StoredRow`s of one file after the other, in order. Out: a batch of their events in the schema
`DECODED`, and what had to be rejected, each with its file. Invariants: what becomes of a row does
not depend on which others share its block, so that thousands of files of a hundred rows give the
rows that one file of all of them does. Only where ``revealed`` stands follows the files: a finished
game is read at the first frame of its unit that shows it, in the order in which files are read; all
of them say the same, and a game is judged by all that was revealed of it. Used by ``capture``,
which makes them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa

from rugs_assets.domain import events as ev
from rugs_assets.domain.chunks import Reject
from rugs_assets.domain.clock import parse_stamps
from rugs_assets.domain.event_heads import Heads
from rugs_assets.domain.event_rows import EventRows
from rugs_assets.domain.payload_reader import PayloadReader, payload_of
from rugs_assets.domain.payloads import USED
from rugs_assets.domain.session_state import SessionState
from rugs_assets.domain.stored_rows import StoredRow

_BY_STAMP = -1
"""The number of a row that has none until its stamp is read."""


class StoredBlock:
    """Rows of the event store on their way into one batch.

    Args:
        payloads: reads what the rows hold.
        session: session id -> what reading on in that session needs to know.
        any_game: whether a game may have any id; otherwise it must name its date.
    """

    def __init__(
        self, payloads: PayloadReader, session: Callable[[str], SessionState], *, any_game: bool
    ) -> None:
        self._payloads = payloads
        self._session = session
        self._any_game = any_game
        self._rows: list[StoredRow] = []
        self._files: list[str] = []

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, rows: Sequence[StoredRow], source_file: str) -> int:
        """Take further rows of a file; those that repeat an earlier one are left out.

        Args:
            rows: in the order of the file.
            source_file: the name that leads back to the file.

        Returns:
            How many were left out.
        """
        kept = [row for row in rows if not self._repeats(row)]
        self._number_by_stamp([row for row in kept if row.seq == _BY_STAMP])
        self._rows += kept
        self._files += [source_file] * len(kept)
        return len(rows) - len(kept)

    def decoded(self) -> tuple[pa.RecordBatch, list[Reject]]:
        """The events of the rows taken so far, and those that are none; the block is empty then."""
        taken, files = self._rows, self._files
        self._rows, self._files = [], []
        payloads = [
            payload_of(row.envelope)
            if row.envelope is not None and row.event in ev.FREQUENT
            else None
            for row in taken
        ]
        heads = Heads(
            files,
            [row.position for row in taken],
            [row.session_id for row in taken],
            [row.seq for row in taken],
            [row.ts for row in taken],
            [row.event for row in taken],
            [row.direction for row in taken],
        )

        def raw(at: int) -> bytes:
            return taken[at].raw

        rows = EventRows(heads, payloads, any_game=self._any_game)
        for at, (row, payload) in enumerate(zip(taken, payloads, strict=True)):
            state = self._session(row.session_id)
            if row.problem is not None:
                rows.reject(at, row.problem)
            elif row.is_button:
                self._payloads.read_button(rows, at, state, row.raw, row.player_id)
            elif payload is not None:
                self._payloads.read_frequent(rows, at, state, row.event, payload, raw)
            elif row.envelope is not None and row.event in USED:
                self._payloads.read_other(rows, at, state, row.event, row.envelope, raw)
        return rows.batch(raw)

    def _repeats(self, row: StoredRow) -> bool:
        """Whether a row repeats an earlier one; if not, it has a number from now on."""
        state = self._session(row.session_id)
        if state.recent.repeats(row.key()):
            return True
        if row.recorded is not None:
            state.is_numbered = True
        elif not state.is_numbered:
            row.seq = _BY_STAMP
            return False
        row.seq = state.last_seq + 1 if row.recorded is None else row.recorded
        state.last_seq = max(state.last_seq, row.seq)
        return False

    def _number_by_stamp(self, rows: Sequence[StoredRow]) -> None:
        """Number rows of sessions that have shown no number yet: by their stamps.

        Thousands of files are read in groups that know nothing of each other; a count would begin
        anew in each of them, a stamp is the same wherever the row lies.
        """
        stamps = parse_stamps([row.ts for row in rows])
        for row, us, is_valid in zip(rows, stamps.us.tolist(), stamps.valid.tolist(), strict=True):
            state = self._session(row.session_id)
            # One without a readable stamp is rejected, beside the row before it.
            row.seq = state.number_of_stamp(us) if is_valid else state.last_of_stamp
