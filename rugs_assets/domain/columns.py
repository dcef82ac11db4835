"""Columns of the tables: required (never null) or optional (null where the wire sent nothing)."""

from __future__ import annotations

from typing import Any, TypeAlias

import pyarrow as pa

Column: TypeAlias = "pa.Field[Any]"
Array: TypeAlias = "pa.Array[Any]"


def required(name: str, dtype: pa.DataType) -> Column:
    """A column that is never null."""
    return pa.field(name, dtype, nullable=False)


def optional(name: str, dtype: pa.DataType) -> Column:
    """A column that is null where there is no value; null is not zero."""
    return pa.field(name, dtype)
