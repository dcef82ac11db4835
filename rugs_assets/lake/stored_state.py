"""What the tables hold of every date, so that it can be judged (`due`).

In: a store and its tables. Out: date -> table -> what is stored. Invariant: a file that cannot be
read spoils its own date only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby

from rugs_assets.lake.delta_log import LoggedFile, snapshot
from rugs_assets.lake.due import Damaged
from rugs_assets.lake.errors import FileDamaged, SchemaMismatch
from rugs_assets.lake.specs import StoredDate, TableSpec
from rugs_assets.lake.stored_dates import stored_dates
from rugs_assets.lake.tables import Lake

State = dict[date, dict[str, StoredDate | Damaged]]


def state_of(lake: Lake, specs: Iterable[TableSpec], days: Iterable[date] | None = None) -> State:
    """What each table holds, date by date; dates that none holds are not in it.

    Args:
        lake: the store.
        specs: its tables; they exist.
        days: only these dates; None: all.

    Raises:
        TableMissing, StoreInvalid: the store itself is gone or unusable.
    """
    wanted = None if days is None else set(days)
    state: State = {}
    for spec in specs:
        latest = snapshot(lake.store, spec)
        for day, found in _stored(lake, spec, latest.version, latest.among(wanted)).items():
            state.setdefault(day, {})[spec.name] = found
    return state


def _stored(
    lake: Lake, spec: TableSpec, version: int, files: Sequence[LoggedFile]
) -> dict[date, StoredDate | Damaged]:
    try:
        return {**stored_dates(lake.store, spec, version, files)}
    except (FileDamaged, SchemaMismatch, OSError):
        pass  # one of them; look at each alone
    found: dict[date, StoredDate | Damaged] = {}
    for day, group in groupby(files, key=lambda file: file.day):
        try:
            found |= stored_dates(lake.store, spec, version, list(group))
        except (FileDamaged, SchemaMismatch, OSError) as error:
            found[day] = Damaged(str(error))
    return found
