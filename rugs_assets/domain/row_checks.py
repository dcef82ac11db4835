"""Row checks: which numbers are none of the game.

In: the numbers of decoded events, by column. Out: which of them cost their event its row, and the
reason. A tick is whole; no quantity comes near `GREATEST`. Used by ``event_rows`` only.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rugs_assets.domain import events as ev

GREATEST = 1e18
"""No quantity of the game comes near it; products of two still fit a float32."""

WHOLE = {column.name for column in ev.TYPED if pa.types.is_int32(column.type)}
REAL = {column.name for column in ev.TYPED if pa.types.is_float64(column.type)}
CHECKED = {column.name: at for at, column in enumerate(ev.TYPED) if column.name in WHOLE | REAL}
"""The columns of numbers, with their place in a row: of several wrong ones the first is named."""


def is_not_whole(numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
    """What is no tick or position: whole, from 0, within int32 (NaN, for null, may be one)."""
    wrong = (numbers != np.floor(numbers)) | (numbers < 0) | (numbers >= 2**31)
    return np.asarray(wrong & ~np.isnan(numbers))


def is_wrong(name: str, number: float) -> bool:
    """Whether a number of a column (one of `CHECKED`) is none."""
    if name in WHOLE:
        return not (0 <= number < 2**31 and number == int(number))
    return abs(number) > GREATEST


def why_wrong(name: str) -> str:
    """What is wrong with a column's number."""
    if name in WHOLE:
        return f"{name} is not a whole number from 0 to 2^31 - 1"
    return f"{name} is beyond {GREATEST:g}"
