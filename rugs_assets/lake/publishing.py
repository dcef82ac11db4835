"""From finished files to a version: name them by content, put them in place, commit them.

Belongs here: names of files and what a commit says of itself. Goes elsewhere: writing files
(`parquet_files`), putting them (`storage`), the commit itself (`commits`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from rugs_assets.lake.commits import commit_date
from rugs_assets.lake.delta_log import LoggedFile
from rugs_assets.lake.parquet_files import StagedFile
from rugs_assets.lake.specs import DATE_COLUMN, Commit, Provenance, TableSpec, content_digest
from rugs_assets.lake.storage import Store


def publish(
    store: Store,
    spec: TableSpec,
    day: date,
    staged: Sequence[StagedFile],
    provenance: Provenance,
) -> Commit:
    """Make finished files the whole of a date.

    Returns:
        What is stored now, `unchanged` when it was stored before.

    Raises:
        WriteFailed, CommitConflict, LakeBusy: as they say; the table is as it was.
    """
    files = _placed(day, staged)
    checksums = [file.checksum for file in staged]
    said: dict[str, Any] = {
        "rows": sum(file.rows for file in files),
        "schema_version": spec.schema_version,
        "content_digest": content_digest(spec.fingerprint, (file.data_digest for file in staged)),
    }
    logged = {
        **said,
        DATE_COLUMN: day.isoformat(),
        **asdict(provenance),
        "checksums": {file.path: sha for file, sha in zip(files, checksums, strict=True)},
    }
    with store.publishing(spec.name):
        for file, source in zip(files, staged, strict=True):
            store.put(source.path, spec.name, file.path)
        version, unchanged = commit_date(store, spec, day, files, logged)
    return Commit(
        table=spec.name,
        day=day,
        version=version,
        bytes=sum(file.bytes for file in files),
        files=tuple(file.path for file in files),
        checksums=tuple(checksums),
        provenance=provenance,
        unchanged=unchanged,
        **said,
    )


def _placed(day: date, staged: Sequence[StagedFile]) -> list[LoggedFile]:
    """Where finished files will lie.

    Their name tells the content of the whole date, not of the one file: were one of two files the
    same as before, a commit would otherwise add the very path that it removes.
    """
    told = hashlib.sha256("\n".join(file.checksum for file in staged).encode()).hexdigest()[:16]
    return [
        LoggedFile(
            day=day,
            path=f"{DATE_COLUMN}={day.isoformat()}/part-{index:05d}-{told}.parquet",
            rows=file.rows,
            bytes=file.bytes,
        )
        for index, file in enumerate(staged)
    ]
