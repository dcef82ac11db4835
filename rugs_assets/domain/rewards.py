"""Rewards: what a decision earned, as named, versioned functions of the player's own account.

In: for the rows of one game, the account (balance, position, price, cumulative pnl) as float64 and
whether it is known. Out: one reward a transition. Invariants: a reward is chosen by name from
`REWARDS`; a function whose meaning changes gets a new version; where the account is not known at
either end of a transition the reward is 0, since a change that was not seen was not earned here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Account:
    """The player's account at the n rows of a game; the last row's is settled (design.md 6).

    Attributes:
        equity: float64 (n,), balance + position_qty x price, in SOL.
        cumulative_pnl: float64 (n,), SOL.
        is_known: bool (n,), whether the balance was received by then.
    """

    equity: Floats
    cumulative_pnl: Floats
    is_known: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Reward:
    """A reward function.

    Attributes:
        name: how config and releases call it; ``version`` goes up when its meaning changes.
        unit: of its values.
        description: in words.
        of: account (n rows) -> reward of the n - 1 transitions, float64.
    """

    name: str
    version: int
    unit: str
    description: str
    of: Callable[[Account], Floats]


def _where_known(account: Account, change: Floats) -> Floats:
    return np.where(account.is_known[1:] & account.is_known[:-1], change, 0.0)


def _equity_delta(account: Account) -> Floats:
    return _where_known(account, np.diff(account.equity))


def _cumulative_pnl_delta(account: Account) -> Floats:
    return _where_known(account, np.diff(account.cumulative_pnl))


def _log_equity(account: Account) -> Floats:
    logs = np.log(account.equity, out=np.zeros_like(account.equity), where=account.equity > 0)
    positive = (account.equity[1:] > 0) & (account.equity[:-1] > 0)
    return _where_known(account, np.where(positive, np.diff(logs), 0.0))


REWARDS: dict[str, Reward] = {
    reward.name: reward
    for reward in (
        Reward(
            "equity_delta",
            1,
            "SOL",
            "equity at the next row - equity at this row; equity = balance + position x price",
            _equity_delta,
        ),
        Reward(
            "cumulative_pnl_delta",
            1,
            "SOL",
            "change of the server's own cumulative pnl of the game",
            _cumulative_pnl_delta,
        ),
        Reward(
            "log_equity",
            1,
            "ln(SOL / SOL)",
            "logarithm of equity at the next row / equity at this row; 0 where one is not above 0",
            _log_equity,
        ),
    )
}
"""The rewards that can be chosen by name."""


def reward_named(name: str) -> Reward:
    """A reward of the registry.

    Raises:
        ValueError: there is none of that name; the message lists those that there are.
    """
    if name not in REWARDS:
        raise ValueError(f"no reward {name!r}; choose one of {', '.join(REWARDS)}")
    return REWARDS[name]
