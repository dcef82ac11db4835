"""What a caller of the loader hands in: taken as meant, or refused; never bent, never ignored.

Belongs here: checks of plain arguments. Goes elsewhere: what they do.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rugs_assets.lake.errors import LakeError

Days = date | Iterable[date] | None
"""One date, several, or None for all."""


def whole(name: str, value: object, least: int | None = None) -> int:
    """A whole number, numpy's too, but no truth value and no float, `least` or more.

    Raises:
        LakeError: it is none, or too small.
    """
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        number = operator.index(value)  # type: ignore[arg-type]  # that is what is being found out
    except TypeError:
        raise LakeError(f"{name}={value!r}: a whole number is needed") from None
    if least is not None and number < least:
        raise LakeError(f"{name}={number}: it must be {least} or more")
    return number


def flag(name: str, value: object) -> bool:
    """True or False.

    Raises:
        LakeError: it is something else that Python would take for one.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise LakeError(f"{name}={value!r}: True or False is needed")
    return bool(value)


def dates(value: Days) -> set[date] | None:
    """One date or several; None where all are meant.

    Raises:
        LakeError: one of them is no date.
    """
    if value is None:
        return None
    found = [value] if isinstance(value, date) else list(value)
    for each in found:
        if isinstance(each, datetime) or not isinstance(each, date):
            raise LakeError(f"dates: {each!r} is no datetime.date")
    return set(found)


def numbers(name: str, value: Any) -> NDArray[np.int64]:
    """A list of whole numbers as an array, int64 (k,).

    Raises:
        LakeError: it has another shape or other values.
    """
    found = np.asarray(value)
    if found.ndim != 1 or (found.size and found.dtype.kind not in "iu"):
        raise LakeError(f"{name}: a flat list of whole numbers is needed, not {found!r}")
    return found.astype(np.int64, copy=False)


def refilled(out: Mapping[str, Any], like: Mapping[str, Any], size: int) -> None:
    """Refuse buffers that would be filled in part, or not at all.

    Raises:
        LakeError: another array is needed, or one of another length.
    """
    if out.keys() != like.keys() or any(len(out[name]) != size for name in out):
        shapes = {name: len(array) for name, array in out.items()}
        raise LakeError(
            f"out={shapes}: {', '.join(like)} are filled, each of {size}; hand in what an earlier "
            "call with the same arguments returned"
        )
