"""Day rejects: what was rejected, by the date it lies in.

In: decoded units with rejects. Out: for each date which rejects are its own, and these in order as
rows of `rejected_input`. Memory: a few numbers a reject, and the texts of a row group or two, which
may hold 64 kB each; all of them are never read at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby, pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rugs_assets.domain.events import REJECTED_INPUT
from rugs_assets.domain.session_facts import ints
from rugs_assets.lake.errors import copy_unreadable
from rugs_assets.lake.units import Unit

_PLACE = ["source_file", "source_position", "session_id", "near_seq"]
_ROWS_AT_ONCE = 1_024


@dataclass(frozen=True, slots=True)
class UnitRejects:
    """The rejects of a unit that lie in one date.

    Attributes:
        unit: which.
        places: ``source_file`` and ``source_position`` of each, and its ``row`` in the unit's file.
    """

    unit: Unit
    places: pa.Table

    def __len__(self) -> int:
        return self.places.num_rows

    @property
    def files(self) -> set[str]:
        """The capture files that they come from."""
        return set(map(str, self.places["source_file"].unique().to_pylist()))


def by_day(
    units: Iterable[Unit], day_of: Callable[[str, int], date]
) -> dict[date, list[UnitRejects]]:
    """What was rejected, by the date it lies in.

    Args:
        units: decoded captures.
        day_of: (session, number of its last event before the reject) -> the date.

    Raises:
        FileDamaged: the rejects of a unit cannot be read.
    """
    found: dict[date, list[UnitRejects]] = {}
    for unit in units:
        if not unit.summary.rejected:
            continue
        try:
            table = pq.read_table(unit.rejects, columns=_PLACE)
        except (OSError, pa.ArrowException) as error:
            raise copy_unreadable(unit.rejects, error) from error
        sessions = map(str, table["session_id"].to_pylist())
        days = np.array(
            [day_of(*near) for near in zip(sessions, ints(table["near_seq"]).tolist(), strict=True)]
        )
        places = table.select(_PLACE[:2]).append_column("row", pa.array(np.arange(len(days))))
        for day in sorted(set(days.tolist())):
            mine = UnitRejects(unit, places.filter(pa.array(days == day)))
            found.setdefault(day, []).append(mine)
    return found


def in_order(found: Sequence[UnitRejects]) -> Iterator[pa.RecordBatch]:
    """The rows of `rejected_input`, by file and position.

    Raises:
        FileDamaged: the rejects of a unit cannot be read.
    """
    if not found:
        return
    numbered = [
        mine.places.append_column("unit", pa.array(np.full(len(mine), at)))
        for at, mine in enumerate(found)
    ]
    order = pa.concat_tables(numbered).sort_by(
        [("source_file", "ascending"), ("source_position", "ascending")]
    )
    rows = ints(order["row"])
    for at, run in groupby(enumerate(ints(order["unit"]).tolist()), key=lambda pair: pair[1]):
        places = [place for place, _ in run]
        yield from _read(found[at].unit, rows[places[0] : places[-1] + 1].tolist())


def _read(unit: Unit, rows: list[int]) -> Iterator[pa.RecordBatch]:
    """Some rejects of a unit; their rows nearly ascend, so each row group is read about once."""
    try:
        with pq.ParquetFile(unit.rejects) as file:
            sizes = [file.metadata.row_group(at).num_rows for at in range(file.num_row_groups)]
            ends = np.cumsum(sizes)
            groups = np.searchsorted(ends, rows, side="right")
            cuts = [0, *(np.flatnonzero(np.diff(groups)) + 1).tolist(), len(rows)]
            for start, end in pairwise(cuts):
                group = int(groups[start])
                table = file.read_row_group(group, columns=REJECTED_INPUT.names)
                within = np.array(rows[start:end]) - (int(ends[group]) - sizes[group])
                for first in range(0, len(within), _ROWS_AT_ONCE):
                    taken = table.take(pa.array(within[first : first + _ROWS_AT_ONCE]))
                    yield from taken.cast(REJECTED_INPUT).combine_chunks().to_batches()
    except (OSError, pa.ArrowException) as error:
        raise copy_unreadable(unit.rejects, error) from error
