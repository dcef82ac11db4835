"""Buttons: the codes of what the player can press, in the tables and on the recorded buttons.

In: nothing. Out: the names behind the codes of ``action`` and ``adjust`` (design.md 5), and the
share that a percentage button sets. The order is part of the contract of every trained policy.
"""

from __future__ import annotations

ACTIONS: tuple[str, ...] = ("WAIT", "BUY", "SELL", "SIDEBET")
"""Codes of ``action``: the index of the name."""

ADJUSTS: tuple[str | None, ...] = (
    None,
    "CLEAR",
    "INC_001",
    "INC_01",
    "INC_10",
    "INC_1",
    "HALF",
    "DOUBLE",
    "MAX",
    "SELL_10",
    "SELL_25",
    "SELL_50",
    "SELL_100",
)
"""Codes of ``adjust``: the index of the name; 0 is none."""

FRACTIONS = {"SELL_10": 0.10, "SELL_25": 0.25, "SELL_50": 0.50, "SELL_100": 1.0}
"""What a percentage button sets the share to that the next sale sells."""

BUTTONS = frozenset({*ACTIONS[1:], *(name for name in ADJUSTS if name is not None)})
"""Every button there is."""
