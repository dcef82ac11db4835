"""Columns of the tables: required (never null) or optional (null where the wire sent nothing)."""

from __future__ import annotations

from sys import intern
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Column: TypeAlias = "pa.Field[Any]"
Array: TypeAlias = "pa.Array[Any]"


def required(name: str, dtype: pa.DataType) -> Column:
    """A column that is never null."""
    return pa.field(name, dtype, nullable=False)


def optional(name: str, dtype: pa.DataType) -> Column:
    """A column that is null where there is no value; null is not zero."""
    return pa.field(name, dtype)


def coded(column: Array) -> tuple[list[str], NDArray[np.int64]]:
    """The distinct texts of a column, and for each row the index of its text, -1 for null."""
    encoded = column.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    # A name comes up in block after block and is kept in several places: one text of it will do.
    return [intern(str(text)) for text in encoded.dictionary.to_pylist()], codes
