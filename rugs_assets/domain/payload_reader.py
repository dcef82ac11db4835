"""Reading payloads: from a decoded envelope to the cells of its row.

In: an envelope and what its session said so far. Out: the row's typed columns, or its rejection.
Invariants: of a leaderboard only the own player's entry is read, and only once something had named
that player; of a `gameHistory` only the games that the session had not shown before; ids leave as
pseudonyms. Used by ``capture`` only.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from rugs_assets.domain import events as ev
from rugs_assets.domain import protocol
from rugs_assets.domain.clock import Stamp, epoch_ms
from rugs_assets.domain.event_rows import EventRows
from rugs_assets.domain.payloads import (
    RARE,
    ButtonPayload,
    PlayerUpdatePayload,
    Pseudonym,
    UsernamePayload,
    is_practice,
)
from rugs_assets.domain.protocol import Envelope, LooseEnvelope, Malformed, Payload

REPEATS_REMEMBERED = 4096
"""How far back a record with an old number is looked for before it counts as new."""


@dataclass(slots=True)
class SessionState:
    """What reading on needs to know about a session.

    Attributes:
        own: pseudonyms of the ids that named the own player so far, the last one last.
        own_ids: the ids themselves as far as this process saw them, by pseudonym (never stored).
        revealed: games whose history entry was already read.
        last_seq: the highest sequence number so far.
        recent: (number as recorded, stamp, name) of the last records, to tell repeats.
    """

    own: list[str] = field(default_factory=list)
    own_ids: dict[str, str] = field(default_factory=dict)
    revealed: set[str] = field(default_factory=set)
    last_seq: int = 0
    recent: deque[tuple[float | None, Stamp, str]] = field(
        default_factory=lambda: deque(maxlen=REPEATS_REMEMBERED)
    )

    def name_own(self, player_id: str | None, pseudonym: Pseudonym) -> None:
        """Note that this id is the own player's."""
        if player_id and self.own_ids.get(own := pseudonym(player_id)) is None:
            self.own_ids[own] = player_id
        if player_id and self.own[-1:] != [own]:
            self.own = [known for known in self.own if known != own] + [own]


class PayloadReader:
    """Fills the rows of a capture from their payloads.

    Args:
        pseudonym: player id -> keyed pseudonym.
    """

    def __init__(self, pseudonym: Pseudonym) -> None:
        self._pseudonym = _remembering(pseudonym)

    def read_button(
        self, rows: EventRows, state: SessionState, raw: bytes, player_id: str | None
    ) -> None:
        """Fill the row just started from a button record, which is a payload without envelope."""
        try:
            press = protocol.decode_object(raw, ButtonPayload)
        except Malformed as error:
            rows.reject(f"raw_json: {error}")
            return
        press.player_id = press.player_id or player_id
        state.name_own(press.player_id, self._pseudonym)
        rows.cells(RARE[ev.BUTTON].cells(press, self._pseudonym, epoch_ms))

    def read(
        self,
        rows: EventRows,
        state: SessionState,
        envelope: Envelope | LooseEnvelope,
        event: str,
        raw: Callable[[], bytes],
    ) -> None:
        """Fill the typed columns of the row just started from the envelope's payload."""
        try:
            if event in ev.FREQUENT:
                if isinstance(envelope, LooseEnvelope):
                    rows.reject(protocol.why_not_typed(raw()))
                    return
                payload = _payload_of(envelope)
                if payload is not None:
                    rows.payload(payload)
                    self._read_own_entry(rows, state, event, payload)
                    _read_history(rows, state, payload)
            elif event in RARE:
                rare = RARE[event]
                found = protocol.decode_payload(raw(), rare.payload)
                if found is not None:
                    if isinstance(found, PlayerUpdatePayload | UsernamePayload):
                        state.name_own(found.id, self._pseudonym)
                    rows.cells(rare.cells(found, self._pseudonym, epoch_ms))
        except Malformed as error:
            rows.reject(str(error))

    def _read_own_entry(
        self, rows: EventRows, state: SessionState, event: str, payload: Payload
    ) -> None:
        """The own player's entry, from a player tick or (once it is known) a leaderboard."""
        if event == ev.PLAYER_TICK:
            entry = protocol.decode_entry(payload.leaderboard_entry)
        elif state.own:
            entry = self._find_own(state, payload)
        else:
            return
        if entry is None or is_practice(entry.selected_coin):
            return
        rows.cells(
            {
                "player_id": self._pseudonym(entry.id) if entry.id else None,
                "position_qty": entry.position_qty,
                "avg_entry_price": entry.avg_cost,
                "cumulative_pnl": entry.pnl,
                "total_invested": entry.total_invested,
            }
        )

    def _find_own(self, state: SessionState, payload: Payload) -> protocol.PlayerEntry | None:
        """The own player's entry of a leaderboard; a search for the ids spares most decoding."""
        text = bytes(payload.leaderboard)
        known = [state.own_ids.get(own) for own in state.own]
        if not any(player_id is None or player_id.encode() in text for player_id in known):
            return None
        entries = {
            self._pseudonym(entry.id): entry for entry in protocol.decode_entries(text) if entry.id
        }
        for own in reversed(state.own):
            if own in entries:
                state.own_ids.setdefault(own, entries[own].id or "")
                return entries[own]
        return None


def _payload_of(envelope: Envelope) -> Payload | None:
    """The payload of a frequent event; None where it was lost (null, or the trace alone)."""
    data = envelope.data
    parts = reversed(data) if isinstance(data, list) else (data,)
    return next((p for p in parts if isinstance(p, Payload) and p.trace is None), None)


def _read_history(rows: EventRows, state: SessionState, payload: Payload) -> None:
    """The finished games that this session had not shown before."""
    revealed: list[dict[str, object]] = []
    shown: list[str] = []
    for game in payload.game_history or ():
        if game.id in state.revealed:
            continue
        fair = game.provably_fair or protocol.ProvablyFair()
        shown.append(game.id)
        revealed.append(
            {
                "game_id": game.id,
                "server_seed": fair.server_seed,
                "server_seed_hash": fair.server_seed_hash,
                "game_version": game.game_version,
                "rugged_at_ms": game.timestamp,
                "peak_multiplier": game.peak_multiplier,
                "prices": protocol.decode_prices(game.prices),
            }
        )
    state.revealed.update(shown)
    if revealed:
        rows.cells({"revealed": revealed})


def _remembering(pseudonym: Pseudonym) -> Pseudonym:
    known: dict[str, str] = {}

    def remembered(player_id: str) -> str:
        if player_id not in known:
            if len(known) > 100_000:
                known.clear()
            known[player_id] = pseudonym(player_id)
        return known[player_id]

    return remembered
