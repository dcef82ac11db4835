"""Which episodes a release takes: conditions on the columns of `episodes`, as a user types them.

In: texts such as ``has_player = true``. Out: the ids of the episodes for which all of them hold.
Conditions choose whole episodes: a step without the one after it would have no next observation.

Belongs here: reading and applying conditions. Goes elsewhere: what the columns mean
(`rugs_assets.domain.episodes`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from rugs_assets.domain.episodes import EPISODES
from rugs_assets.lake.release_manifest import ReleaseError

_CONDITION = re.compile(r"\s*(\w+)\s*(!=|<=|>=|=|<|>)\s*(.*?)\s*")
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": pc.equal,
    "!=": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}
OPERATORS = tuple(_COMPARE)
"""How a column can be compared with a value."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on a column of `episodes`; null in the column is never met by any.

    Attributes:
        value: of the column's own type.
    """

    column: str
    operator: str
    value: Any

    def __str__(self) -> str:
        value = str(self.value).lower() if isinstance(self.value, bool) else self.value
        return f"{self.column} {self.operator} {value}"


def condition_of(text: str) -> Condition:
    """Read a condition: COLUMN OPERATOR VALUE, the operator one of = != < <= > >=.

    Raises:
        ReleaseError: it has another form, names no column, or its value is not of the column's
            type.
    """
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise ReleaseError(
            f"the condition {text!r} is not of the form COLUMN OPERATOR VALUE with one of "
            f"{' '.join(OPERATORS)}, such as 'has_player = true'"
        )
    column, operator, value = found.groups()
    if column not in EPISODES.names:
        raise ReleaseError(
            f"the condition {text!r}: episodes have no column {column!r}; they have "
            f"{', '.join(EPISODES.names)}"
        )
    kind = EPISODES.field(column).type
    try:
        typed = pc.cast(pa.scalar(value), kind).as_py()
    except pa.ArrowException as error:
        raise ReleaseError(
            f"the condition {text!r}: {value!r} is no value of {column}, which is {kind}"
        ) from error
    if pa.types.is_boolean(kind) and operator not in ("=", "!="):
        raise ReleaseError(f"the condition {text!r}: {column} is true or false, use = or !=")
    return Condition(column, operator, typed)


def columns_of(conditions: Sequence[Condition]) -> list[str]:
    """The columns of `episodes` that are needed to apply the conditions."""
    return list(dict.fromkeys(["episode_id", *(each.column for each in conditions)]))


def episodes_meeting(conditions: Sequence[Condition], episodes: pa.Table) -> set[str]:
    """Ids of the episodes for which all conditions hold.

    Args:
        conditions: what must hold.
        episodes: rows of `episodes` with at least `columns_of(conditions)`.
    """
    met = episodes
    for each in conditions:
        value = pa.scalar(each.value, met.schema.field(each.column).type)
        met = met.filter(_COMPARE[each.operator](met[each.column], value))
    return {str(found) for found in met["episode_id"].to_pylist()}
