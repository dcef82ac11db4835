"""The buttons of the player's client, and how a bet is built from them.

In: what a player wants. Out: the buttons to press, in order. Invariant: pressing what `building`
returns sets exactly the amount asked for, in steps of 0.001.
"""

from __future__ import annotations

from rugs_assets.domain.simulator.accounts import NANO

ACTIONS = ("BUY", "SELL", "SIDEBET")
STEPS = {"INC_001": NANO // 1000, "INC_01": NANO // 100, "INC_10": NANO // 10, "INC_1": NANO}
SHARES = {"SELL_10": 10, "SELL_25": 25, "SELL_50": 50, "SELL_100": 100}
BUTTONS = (*ACTIONS, "CLEAR", *STEPS, "HALF", "DOUBLE", "MAX", *SHARES)
UNKNOWN_BUTTON = "AUTO_SELL"


def category(button: str) -> str:
    """`action`, `percentage` or `bet_adjust`."""
    if button in ACTIONS:
        return "action"
    return "percentage" if button in SHARES else "bet_adjust"


def adjusted(button: str, bet: int, cash: int) -> int:
    """The amount that is set after a press, 1e-9 SOL."""
    if button in STEPS:
        return bet + STEPS[button]
    if button == "CLEAR":
        return 0
    if button == "HALF":
        return bet // 2
    if button == "DOUBLE":
        return bet * 2
    return cash if button == "MAX" else bet


def building(amount: int, action: str) -> tuple[str, ...]:
    """CLEAR, the fewest steps up to an amount (rounded down to 0.001), and the action."""
    presses, left = ["CLEAR"], amount
    for button, step in sorted(STEPS.items(), key=lambda item: -item[1]):
        presses += [button] * (left // step)
        left %= step
    return (*presses, action)


def selling(percent: int) -> tuple[str, ...]:
    """The share, and SELL."""
    return (f"SELL_{percent}", "SELL")
