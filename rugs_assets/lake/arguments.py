"""What a caller of the loader hands in: taken as meant, or refused; never bent, never ignored.

Belongs here: checks of plain arguments. Goes elsewhere: what they do.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rugs_assets.domain.features import FEATURE_COUNT
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


def share(name: str, value: object) -> float:
    """A number between 0 and 1, numpy's too, but no truth value.

    Raises:
        LakeError: it is none, or lies outside.
    """
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not 0 <= float(value) <= 1:  # type: ignore[arg-type]  # a Real by now
        raise LakeError(f"{name}={value!r}: a number between 0 and 1 is needed")
    return float(value)  # type: ignore[arg-type]  # likewise


def dates(value: Any) -> set[date] | None:
    """One date or several; None where all are meant.

    Raises:
        LakeError: one of them is no date.
    """
    if value is None:
        return None
    if not isinstance(value, Iterable) and not isinstance(value, date):
        raise LakeError(f"dates={value!r}: a datetime.date or several are needed")
    found = [value] if isinstance(value, date) else list(value)
    for each in found:
        if isinstance(each, datetime) or not isinstance(each, date):
            raise LakeError(f"dates: {each!r} is no datetime.date")
    return set(found)


def moments(name: str, value: Any) -> Mapping[str, Any]:
    """Moments of observations, as a dataset's `normalisation` tells them.

    Raises:
        LakeError: it is something else.
    """
    is_table = isinstance(value, Mapping) and {"rows", "mean", "std"} <= value.keys()
    if not is_table or any(np.shape(value[each]) != (FEATURE_COUNT,) for each in ("mean", "std")):
        raise LakeError(f"{name}={value!r}: the `normalisation` of a dataset is needed")
    return dict(value)


def numbers(name: str, value: Any) -> NDArray[np.int64]:
    """A list of whole numbers as an array, int64 (k,).

    Raises:
        LakeError: it has another shape or other values.
    """
    found = np.asarray(value)
    if found.ndim != 1 or (found.size and found.dtype.kind not in "iu"):
        raise LakeError(f"{name}: a flat list of whole numbers is needed, not {found!r}")
    return found.astype(np.int64, copy=False)


def refilled(
    out: Any, like: Mapping[str, tuple[np.dtype[Any], tuple[int, ...]]], size: int
) -> None:
    """Refuse buffers that would be filled in part, with bent values, or not at all.

    Args:
        out: the buffers.
        like: name -> type, and shape of one item.
        size: items.

    Raises:
        LakeError: another array is needed, or one of another type or shape.
    """
    if not isinstance(out, dict) or out.keys() != like.keys():
        found: Any = sorted(out) if isinstance(out, Mapping) else type(out).__name__
        raise _other_buffers(found, like, size)
    for name, (kind, shape) in like.items():
        array = out[name]
        if (
            not isinstance(array, np.ndarray)
            or array.dtype != kind
            or array.shape != (size, *shape)
            or not array.flags.writeable
        ):
            raise _other_buffers(f"{name} {_looks(array)}", like, size)


def _other_buffers(found: Any, like: Iterable[str], size: int) -> LakeError:
    return LakeError(
        f"out={found}: {', '.join(like)} are filled, each of {size}; hand in what an earlier "
        "call with the same arguments returned"
    )


def _looks(array: Any) -> str:
    if not isinstance(array, np.ndarray):
        return type(array).__name__
    return f"{array.dtype} {array.shape}{'' if array.flags.writeable else ', read-only'}"
