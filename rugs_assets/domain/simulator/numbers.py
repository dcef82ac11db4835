"""How numbers look on the wire: JavaScript has one kind, so whole ones come without a point."""

from __future__ import annotations

from rugs_assets.domain.simulator.accounts import NANO


def number(value: float) -> str:
    """The JSON text of a double: `1` for 1.0, else the shortest digits that mean it."""
    return str(int(value)) if value == int(value) else repr(value)


def sol(amount: int) -> str:
    """The JSON text of an amount in 1e-9."""
    return str(amount // NANO) if amount % NANO == 0 else repr(amount / NANO)


def text(value: str | None) -> str:
    """The JSON text of a plain ASCII string or null."""
    return "null" if value is None else f'"{value}"'


def percent(part: int, whole: int) -> str:
    """The JSON text of part / whole in percent; 0 of nothing is 0."""
    return number(part * 100 / whole) if whole else "0"
