"""Reading payloads: from a decoded envelope to the cells of its row.

In: an envelope and what its session said so far. Out: the row's typed columns, or its rejection.
Invariants: of a leaderboard only the own player's entry is read, and only once something had named
that player; of a `gameHistory` only the games that the session had not shown before; ids leave as
pseudonyms.
"""

from __future__ import annotations

from collections.abc import Callable

from rugs_assets.domain import events as ev
from rugs_assets.domain import protocol
from rugs_assets.domain.clock import epoch_ms
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
from rugs_assets.domain.session_state import SessionState

_PSEUDONYMS_REMEMBERED = 100_000


def payload_of(envelope: Envelope | LooseEnvelope) -> Payload | None:
    """The payload of a frequent event; None where it was lost (null, or the trace alone)."""
    if isinstance(envelope, LooseEnvelope):
        return None
    data = envelope.data
    parts = reversed(data) if isinstance(data, list) else (data,)
    return next((p for p in parts if isinstance(p, Payload) and p.trace is None), None)


class PayloadReader:
    """Fills the rows of a capture from their payloads.

    Args:
        pseudonym: player id -> keyed pseudonym.
    """

    def __init__(self, pseudonym: Pseudonym) -> None:
        self._pseudonym = _remembering(pseudonym)

    def read_button(
        self, rows: EventRows, row: int, state: SessionState, raw: bytes, player_id: str | None
    ) -> None:
        """Fill a row from a button record, which is a payload without envelope."""
        try:
            press = protocol.decode_object(raw, ButtonPayload)
        except Malformed as error:
            rows.reject(row, f"raw_json: {error}")
            return
        press.player_id = press.player_id or player_id
        state.name_own(press.player_id, self._pseudonym)
        rows.cells(row, RARE[ev.BUTTON].cells(press, self._pseudonym, epoch_ms))

    def read_frequent(
        self,
        rows: EventRows,
        row: int,
        state: SessionState,
        event: str,
        payload: Payload,
        raw: Callable[[int], bytes],
    ) -> None:
        """Fill what a frame or player tick shows beyond its plain fields."""
        try:
            if event == ev.PLAYER_TICK:
                entry = protocol.decode_entry(payload.leaderboard_entry)
            else:
                entry = self._find_own(state, payload) if state.own else None
            if entry is not None and not is_practice(entry.selected_coin):
                rows.cells(row, self._position(entry))
            if payload.game_history:
                _read_history(rows, row, state, payload.game_history, raw)
        except Malformed as error:
            rows.reject(row, str(error))

    def read_other(
        self,
        rows: EventRows,
        row: int,
        state: SessionState,
        event: str,
        envelope: Envelope | LooseEnvelope,
        raw: Callable[[int], bytes],
    ) -> None:
        """Fill the row of a rare event; reject a frequent one whose payload has wrong types."""
        if event in ev.FREQUENT:
            if isinstance(envelope, LooseEnvelope):
                rows.reject(row, protocol.why_not_typed(raw(row)))
            return
        try:
            found = protocol.decode_payload(raw(row), RARE[event].payload)
        except Malformed as error:
            rows.reject(row, str(error))
            return
        if found is not None:
            if isinstance(found, PlayerUpdatePayload | UsernamePayload):
                state.name_own(found.id, self._pseudonym)
            elif isinstance(found, ButtonPayload):
                state.name_own(found.player_id, self._pseudonym)
            rows.cells(row, RARE[event].cells(found, self._pseudonym, epoch_ms))

    def _position(self, entry: protocol.PlayerEntry) -> dict[str, object]:
        return {
            "player_id": self._pseudonym(entry.id) if entry.id else None,
            "position_qty": entry.position_qty,
            "avg_entry_price": entry.avg_cost,
            "cumulative_pnl": entry.pnl,
            "total_invested": entry.total_invested,
        }

    def _find_own(self, state: SessionState, payload: Payload) -> protocol.PlayerEntry | None:
        """The own player's entry of a leaderboard; a search for the ids spares most decoding."""
        text = bytes(payload.leaderboard)
        ids = [state.own_ids.get(own) for own in state.own]
        # Behind a backslash may stand an id that is spelt with escapes, which no search finds.
        if b"\\" not in text and not any(own is None or own in text for own in ids):
            return None
        entries = {
            self._pseudonym(entry.id): entry for entry in protocol.decode_entries(text) if entry.id
        }
        for own in reversed(state.own):
            if own in entries:
                state.own_ids.setdefault(own, (entries[own].id or "").encode())
                return entries[own]
        return None


def _read_history(
    rows: EventRows,
    row: int,
    state: SessionState,
    history: list[protocol.HistoryEntry],
    raw: Callable[[int], bytes],
) -> None:
    """The finished games that this session had not shown before."""
    revealed: list[dict[str, object]] = []
    shown: list[str] = []
    news = [game for game in history if game.id not in state.revealed]
    if any(len(memoryview(game.prices)) == 0 for game in news):
        # Cut out as known, but the record that showed it first was not used (see `seen_history`).
        whole = payload_of(protocol.decode_record(raw(row)))
        history = [] if whole is None or whole.game_history is None else whole.game_history
        news = [game for game in history if game.id not in state.revealed]
    for game in news:
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
        rows.cells(row, {"revealed": revealed})


def _remembering(pseudonym: Pseudonym) -> Pseudonym:
    known: dict[str, str] = {}

    def remembered(player_id: str) -> str:
        if player_id not in known:
            if len(known) > _PSEUDONYMS_REMEMBERED:
                known.clear()
            known[player_id] = pseudonym(player_id)
        return known[player_id]

    return remembered
