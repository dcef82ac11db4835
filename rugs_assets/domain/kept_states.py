"""Kept states: what is carried for the games of a session, small for those that are not on.

In: the games that a block names. Out: their states, as they were left. Invariants: a state comes
back bit for bit; memory is about 300 bytes a game beside its id, whatever it carries.
What a state means stands in ``game_grid``.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable

from rugs_assets.domain.game_grid import GAME_STATE, GameState

_PACKED = struct.Struct(f"={len(GAME_STATE)}d{len(GAME_STATE)}s6dq5?")


class KeptStates:
    """The states of a session's games: objects for those of the last block, bytes for the others.

    A session has thousands of games of which one or two are on at a time. As an object a state is
    a dozen small ones, 600 bytes and more.
    """

    def __init__(self) -> None:
        self._on: dict[str, GameState] = {}
        self._packed: dict[str, bytes] = {}

    def of(self, games: Iterable[str]) -> list[GameState]:
        """The states of the games that a block names, to be changed until the next call."""
        before, self._on = self._on, {}
        for game in games:
            self._on[game] = before.pop(game) if game in before else self._unpacked(game)
        self._packed |= {game: packed(state) for game, state in before.items()}
        return list(self._on.values())

    def _unpacked(self, game: str) -> GameState:
        known = self._packed.pop(game, None)
        return GameState() if known is None else unpacked(known)


def packed(state: GameState) -> bytes:
    """A state as bytes."""
    return _PACKED.pack(
        *state.values,
        bytes(state.has),
        state.greatest_tick,
        state.active_tick,
        state.tick,
        state.price,
        state.velocity,
        state.entry_tick,
        state.rows,
        state.is_over,
        state.has_row,
        state.has_price,
        state.has_velocity,
        state.in_position,
    )


def unpacked(known: bytes) -> GameState:
    """The state of `packed`."""
    found = _PACKED.unpack(known)
    carried = len(GAME_STATE)
    has, (greatest, active, tick, price, velocity, entry) = found[carried], found[carried + 1 :][:6]
    rows, is_over, has_row, has_price, has_velocity, in_position = found[carried + 7 :]
    return GameState(
        values=array("d", found[:carried]),
        has=bytearray(has),
        greatest_tick=greatest,
        active_tick=active,
        is_over=is_over,
        rows=rows,
        has_row=has_row,
        tick=tick,
        price=price,
        velocity=velocity,
        has_price=has_price,
        has_velocity=has_velocity,
        entry_tick=entry,
        in_position=in_position,
    )
