"""Games as they are played: events in, rows and rewards out, one after the other.

In: events in order of arrival, as the wire sent them or as a capture holds them. Out: for each
frame that makes a row, the row, and what the decision before it earned. Invariants: the rows are
those of ``ObservationBuilder`` and nothing else; rewards are those that the stages give the same
events (``accounts``): the account at a rugged row is the settled one, which is known when the next
game opens.

Belongs here: the online twin of `observations` and of the rewards of `aligned_samples`. Goes
elsewhere: formulas of rewards (``rewards``), who plays (``simulator``, or a socket).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rugs_assets.domain import events as ev
from rugs_assets.domain.features import Observation, Phase, feature_bit
from rugs_assets.domain.live import LiveReader
from rugs_assets.domain.observation_builder import ObservationBuilder
from rugs_assets.domain.rewards import Account, reward_named

_KEPT = 2
"""Games whose account is kept: the present one, and the one before until it is settled."""


@dataclass(frozen=True, slots=True)
class LiveRow:
    """A row of `observations`, as it is made.

    Attributes:
        episode_id: the game; None before any was named.
        frame: its number within the game.
        phase: of the game at it.
        observation: float32 (36,).
        observed: bit i says whether feature i rests on a received value.
    """

    episode_id: str | None
    frame: int
    phase: Phase
    observation: NDArray[np.float32]
    observed: int


@dataclass(slots=True)
class _Ledger:
    """The account at the rows of a game so far."""

    equity: list[float] = field(default_factory=list)
    pnl: list[float] = field(default_factory=list)
    known: list[bool] = field(default_factory=list)
    last: dict[str, float] = field(default_factory=dict)

    def add(self, seen: Observation) -> None:
        self.last = {
            "balance": seen.balance,
            "position_qty": seen.position_qty,
            "cumulative_pnl": seen.cumulative_pnl,
            "price": seen.price,
        }
        self.equity.append(seen.balance + seen.position_qty * seen.price)
        self.pnl.append(seen.cumulative_pnl)
        self.known.append(bool(seen.observed & feature_bit("balance")))

    def settle(self, row: Mapping[str, Any]) -> None:
        """The own state as the settlement left it replaces that at the last row."""
        told = {name: row[name] for name in self.last if name != "price"}
        self.last |= {name: value for name, value in told.items() if value is not None}
        self.equity[-1] = self.last["balance"] + self.last["position_qty"] * self.last["price"]
        self.pnl[-1] = self.last["cumulative_pnl"]

    def account(self) -> Account:
        return Account(np.array(self.equity), np.array(self.pnl), np.array(self.known))


class LiveGames:
    """Follows one session, game after game.

    Args:
        reward: name of the reward (`rewards.REWARDS`).

    Raises:
        ValueError: there is no such reward.
    """

    def __init__(self, reward: str = "equity_delta") -> None:
        self._reader = LiveReader()
        self._builder = ObservationBuilder()
        self._reward = reward_named(reward)
        self._ledgers: dict[str | None, _Ledger] = {}
        self._settling: str | None = None

    @property
    def is_settled(self) -> bool:
        """Whether the account of the last game that rugged is final: the next game has opened."""
        return self._settling is None

    def update(self, event: Mapping[str, Any]) -> LiveRow | None:
        """Take an event (see `live.record_of` for its forms); returns the row that it made, if any.

        Raises:
            Malformed: a value has a wrong type.
        """
        return self.take(self.read([event])[0])

    def read(self, events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Several events as rows of `raw_ws_events`, for `take`: faster than one at a time.

        Raises:
            Malformed: a value has a wrong type.
        """
        return self._reader.rows(events)

    def take(self, row: Mapping[str, Any]) -> LiveRow | None:
        """Take the next event as `read` gave it; returns the row that it made, if any."""
        is_row = self._builder.update_row(row)
        made = self._row() if is_row else None
        if made is not None and made.phase == Phase.RUGGED:
            self._settling = made.episode_id
        elif row["event"] == ev.FRAME and (row["allow_pre_round_buys"] or row["active"]):
            if row["episode_id"] != self._settling:
                self._settling = None
        elif row["event"] == ev.PLAYER_UPDATE and self._settling in self._ledgers:
            self._ledgers[self._settling].settle(row)
        return made

    def complete(self, event: Mapping[str, Any]) -> None:
        """Take the record of an earlier press again, now with what the server answered.

        Do so when the answer has come, before `update` with the answer itself: then the rows are
        those that the completed capture will give.
        """
        self._builder.complete_row(self._reader.row(event))

    def rewards(self, episode_id: str | None) -> NDArray[np.float32]:
        """The rewards of a game's transitions so far, float32 (rows - 1,).

        The one into a RUGGED row is final once `is_settled`.

        Args:
            episode_id: the present game, or the one before it.

        Raises:
            KeyError: no row of that game is remembered.
        """
        return self._reward.of(self._ledgers[episode_id].account()).astype(np.float32)

    def _row(self) -> LiveRow:
        seen = self._builder.build()
        if seen.game_id not in self._ledgers:
            for old in list(self._ledgers)[: 1 - _KEPT]:
                del self._ledgers[old]
            self._ledgers[seen.game_id] = _Ledger()
        self._ledgers[seen.game_id].add(seen)
        return LiveRow(
            seen.game_id,
            self._builder.frame or 0,
            Phase(seen.game_phase),
            seen.to_numpy(),
            seen.observed,
        )


def replayed(events: Iterable[pa.RecordBatch]) -> Iterator[tuple[str, LiveRow]]:
    """A recorded date event by event: what a live agent would have seen.

    Args:
        events: rows of `raw_ws_events`, as stored: session by session, in order of arrival.

    Yields:
        (session_id, row) for each row of `observations`, in order of arrival; a game that several
        sessions recorded comes once a session.
    """
    games, following = LiveGames(), ""
    for batch in events:
        received_ms = batch["received_at"].cast(pa.int64()).to_numpy() / 1000
        for event, moment in zip(batch.to_pylist(), received_ms.tolist(), strict=True):
            if event["session_id"] != following:
                games, following = LiveGames(), event["session_id"]
            row = games.take({**event, "received_ms": moment})
            if row is not None:
                yield following, row
