"""The one commit that replaces a date of a table.

Belongs here: what a commit is made of, and trying again when another writer was faster. Goes
elsewhere: the files it refers to (`publishing`), what is read of a log (`delta_log`).

What was learnt about deltalake 1.6 and must stay true here:
- `write_deltalake` scrambles row order on two or more CPUs: files are written elsewhere, only added
  here.
- A transaction that adds a path it also removes loses the file for some readers: never commit a
  path that is already there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from deltalake import CommitProperties, PostCommitHookProperties
from deltalake.exceptions import CommitFailedError, DeltaError
from deltalake.transaction import AddAction

from rugs_assets.lake.delta_log import (
    ATTEMPTS,
    LoggedFile,
    back_off,
    load,
    opened,
    remember,
)
from rugs_assets.lake.errors import CommitConflict, WriteFailed, cure_of, in_a_line
from rugs_assets.lake.specs import DATE_COLUMN, TableSpec
from rugs_assets.lake.storage import Store


def commit_date(
    store: Store,
    spec: TableSpec,
    day: date,
    files: Sequence[LoggedFile],
    metadata: Mapping[str, Any],
) -> tuple[int, bool]:
    """Make `files`, which are in place, the whole of a date.

    Returns:
        The version that holds them, and whether they were there already and nothing was committed.

    Raises:
        CommitConflict: other writers won every attempt.
        WriteFailed: the storage refused.
    """
    version, unchanged = _attempted(
        store, spec, day, lambda: _commit_once(store, spec, day, files, metadata)
    )
    if not unchanged:  # deltalake itself leaves it to the system when a commit reaches the disk
        store.make_durable(spec.name, f"_delta_log/{version:020d}.json")
    return version, unchanged


def _commit_once(
    store: Store,
    spec: TableSpec,
    day: date,
    files: Sequence[LoggedFile],
    metadata: Mapping[str, Any],
) -> tuple[int, bool]:
    # Looked at in every attempt: the rival that won may have written these very files.
    table = load(store, spec)
    before = opened(store, spec, table)
    if list(before.of(day)) == sorted(files):
        remember(store, spec, before)
        return before.version, True
    now = time.time_ns() // 1_000_000
    table.create_write_transaction(
        [
            AddAction(
                path=file.path,
                size=file.bytes,
                partition_values={DATE_COLUMN: day.isoformat()},
                modification_time=now,
                data_change=True,
                stats=json.dumps({"numRecords": file.rows}),
            )
            for file in files
        ],
        "overwrite",
        spec.table_schema,
        partition_by=[DATE_COLUMN],
        partition_filters=[(DATE_COLUMN, "=", day.isoformat())],
        commit_properties=CommitProperties(custom_metadata=dict(metadata), max_commit_retries=0),
        post_commithook_properties=PostCommitHookProperties(cleanup_expired_logs=False),
    )
    # No rebase was allowed, so the commit is the version after the one it was made from.
    after = before.replaced(day, files)
    remember(store, spec, after)
    return after.version, False


def _attempted(
    store: Store, spec: TableSpec, day: date, attempt_once: Callable[[], tuple[int, bool]]
) -> tuple[int, bool]:
    for attempt in range(ATTEMPTS):
        try:
            return attempt_once()
        except CommitFailedError:
            back_off(attempt)
        except (DeltaError, OSError) as error:
            raise WriteFailed(
                f"table {spec.name}, date {day}, store {store.root}: the commit was refused, the "
                f"last complete version is intact: {in_a_line(error)}. Make room or restore "
                f"access, then: {cure_of(spec.made_by, day)}"
            ) from error
    raise CommitConflict(
        f"table {spec.name}, date {day}: other writers won {ATTEMPTS} attempts to commit; run it "
        f"again: {cure_of(spec.made_by, day)}"
    )
