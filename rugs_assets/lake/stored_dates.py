"""What the dates of a loaded version hold and where they came from, read from their files.

In: the files of a version. Out: a `StoredDate` for each computed date. Works across schema
versions, so that a mismatch can be told before reading.

Belongs here: joining the footers of a date. Goes elsewhere: one footer (`rows`), the log
(`delta_log`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import groupby

from rugs_assets.lake.delta_log import LoggedFile
from rugs_assets.lake.rows import Footer, footers
from rugs_assets.lake.specs import StoredDate, TableSpec, content_digest
from rugs_assets.lake.storage import Store


def stored_dates(
    store: Store, spec: TableSpec, version: int, files: Sequence[LoggedFile]
) -> dict[date, StoredDate]:
    """Every date that `files` belong to, oldest first.

    Args:
        store: where the table lies.
        spec: the table.
        version: the version that refers to the files.
        files: all files of the dates, in row order.

    Raises:
        SchemaMismatch: a file was not written by this lake.
        FileDamaged: a file is gone or cut short.
    """
    said = zip(files, footers(store, spec, files), strict=True)
    return {
        day: _stored_date(spec, version, day, list(group))
        for day, group in groupby(said, key=lambda pair: pair[0].day)
    }


def _stored_date(
    spec: TableSpec, version: int, day: date, said: list[tuple[LoggedFile, Footer]]
) -> StoredDate:
    first = said[0][1]
    return StoredDate(
        table=spec.name,
        day=day,
        version=version,
        rows=sum(footer.rows for _, footer in said),
        bytes=sum(file.bytes for file, _ in said),
        files=tuple(file.path for file, _ in said),
        content_digest=content_digest(
            first.schema_fingerprint, (footer.data_digest for _, footer in said)
        ),
        schema_version=first.schema_version,
        code_version=first.code_version,
        input_digest=first.input_digest,
        config=first.config,
        tally=first.tally,
    )
