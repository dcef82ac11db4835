"""Accounts: the own player's money at the rows of a game, before any cast, and as settled.

In: the events of a date's sessions in blocks, and the rows that they make. Out: for each game the
float64 account at its rows, or what the caller makes of it: a game that is settled leaves no more.
Invariants: only sessions with an own player have accounts; the account at a rugged row is the
settled one: what the last own state said that arrived after the rug and before the next game opened
(forced sales, side-bet payouts); where none arrived, the position stands at the rug price.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rugs_assets.domain import events as ev
from rugs_assets.domain.features import FEATURE_INDEX, Phase
from rugs_assets.domain.frames import FrameKind
from rugs_assets.domain.observation_pass import Rows
from rugs_assets.domain.rewards import Account

_BALANCE, _QTY = FEATURE_INDEX["balance"], FEATURE_INDEX["position_qty"]
_PRICE, _PNL = FEATURE_INDEX["price"], FEATURE_INDEX["cumulative_pnl"]
Kept = TypeVar("Kept")
_STATE = ("balance", "position_qty", "cumulative_pnl")


@dataclass(slots=True)
class _Ledger:
    """The account of one game while its rows come in."""

    balance: list[NDArray[np.float64]] = field(default_factory=list)
    qty: list[NDArray[np.float64]] = field(default_factory=list)
    price: list[NDArray[np.float64]] = field(default_factory=list)
    pnl: list[NDArray[np.float64]] = field(default_factory=list)
    known: list[NDArray[np.bool_]] = field(default_factory=list)
    settled: dict[str, float] = field(default_factory=dict)

    def account(self) -> Account:
        balance, qty, price, pnl = (
            np.concatenate(parts) for parts in (self.balance, self.qty, self.price, self.pnl)
        )
        known = np.concatenate(self.known)
        if self.settled:
            balance[-1] = self.settled.get("balance", balance[-1])
            qty[-1] = self.settled.get("position_qty", qty[-1])
            pnl[-1] = self.settled.get("cumulative_pnl", pnl[-1])
        return Account(balance + qty * price, pnl, known)


class AccountBook(Generic[Kept]):
    """The accounts of the games of a date; `follow` the sessions, one after the other.

    Args:
        chosen: (episode_id, session_id) of the games to follow.
        keep: what is to be remembered of an account; called as soon as its game is settled.
    """

    def __init__(self, chosen: set[tuple[str, str]], keep: Callable[[Account], Kept]) -> None:
        self._keep = keep
        self._made: dict[tuple[str, str], Kept] = {}
        self._chosen = chosen
        self._ledgers: dict[tuple[str, str], _Ledger] = {}
        self._settling = _Settling("")

    def follow(self, session_id: str, block: pa.RecordBatch, rows: Rows) -> None:
        """Take the next block of a session, and the rows that it makes."""
        if session_id != self._settling.session_id:
            self._settling = _Settling(session_id)
        for code, game in enumerate(rows.games):
            mine = rows.game == code
            if (game, session_id) in self._chosen and mine.any():
                _add(self._ledgers.setdefault((game, session_id), _Ledger()), rows, mine)
        # A rugged row is its game's last: once settled, nothing can be added to its account.
        for settled in self._settling.follow(rows, block, self._ledgers):
            self._close((settled, session_id))

    def accounts(self) -> dict[tuple[str, str], Kept]:
        """(episode_id, session_id) -> what is kept of the account at each of the game's rows."""
        for key in list(self._ledgers):
            self._close(key)
        return self._made

    def _close(self, key: tuple[str, str]) -> None:
        ledger = self._ledgers.pop(key, None)
        if ledger is not None:
            self._made[key] = self._keep(ledger.account())


def _add(ledger: _Ledger, rows: Rows, mine: NDArray[np.bool_]) -> None:
    # One column at a time: a column of all 36 features would keep them all in memory.
    ledger.balance.append(rows.features[mine, _BALANCE])
    ledger.qty.append(rows.features[mine, _QTY])
    ledger.price.append(rows.features[mine, _PRICE])
    ledger.pnl.append(rows.features[mine, _PNL])
    ledger.known.append((rows.observed[mine] >> _BALANCE & 1).astype(bool))


class _Settling:
    """Attributes own states that arrive after a rug to the game that rugged."""

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self._game: str | None = None

    def follow(
        self, rows: Rows, block: pa.RecordBatch, ledgers: dict[tuple[str, str], _Ledger]
    ) -> list[str]:
        """Take a block: rugs begin a settlement, a frame that opens the next game ends it.

        Returns:
            The games whose settlement ended.
        """
        settled: list[str] = []
        names = block["event"].to_numpy(zero_copy_only=False).astype(str)
        is_frame = names == ev.FRAME
        games = block["episode_id"].to_numpy(zero_copy_only=False)
        opens = is_frame & (_flags(block, "allow_pre_round_buys") | _flags(block, "active"))
        states = names == ev.PLAYER_UPDATE
        rugs = dict(zip(rows.at.tolist(), rows.game.tolist(), strict=True))
        rugged = (rows.kinds == FrameKind.ROW) & (rows.phases == Phase.RUGGED)
        for at in np.flatnonzero(opens | states | rugged).tolist():
            before = self._game
            if rugged[at]:
                self._game = rows.games[rugs[at]]
            elif opens[at] and games[at] != self._game:
                self._game = None
            elif states[at] and (ledger := ledgers.get((self._game or "", self.session_id))):
                for name in _STATE:
                    value = block[name][at].as_py()
                    if value is not None:
                        ledger.settled[name] = value
            if before is not None and before != self._game:
                settled.append(before)
        return settled


def _flags(block: pa.RecordBatch, name: str) -> NDArray[np.bool_]:
    return np.asarray(block[name].fill_null(False).to_numpy(zero_copy_only=False), bool)
