"""Reading: the rows of some dates of one version, in the order in which they were written.

In: the files of a version. Out: Arrow batches, one Arrow table or a pandas frame. Invariants: order
is by date, then file, then row; every file is known to be of the reader's schema before the first
row is handed out; memory is bounded by the batch and the row group.

Belongs here: footers, projection, conversion. Goes elsewhere: which files (`delta_log`), what
columns mean.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rugs_assets.lake.delta_log import LoggedFile
from rugs_assets.lake.errors import (
    FileDamaged,
    LakeError,
    SchemaMismatch,
    cure_in_want,
    cure_of,
    in_a_line,
)
from rugs_assets.lake.memory import Ebb
from rugs_assets.lake.parquet_files import FOOTER_KEY
from rugs_assets.lake.specs import DATE_COLUMN, TableSpec
from rugs_assets.lake.storage import Store

if TYPE_CHECKING:
    import pandas as pd

# What pyarrow and json make of a damaged file.
_UNREADABLE = (OSError, pa.ArrowException, ValueError, KeyError, TypeError, MemoryError)
_EPOCH = date(1970, 1, 1)
_FOOTER_THREADS = 8  # footers are small: the wait of an object store is what they cost


@dataclass(frozen=True, slots=True)
class Footer:
    """What a file says about itself."""

    rows: int
    schema_version: int
    schema_fingerprint: str
    code_version: str
    input_digest: str
    config: str
    data_digest: str
    tally: str = ""


class Rows:
    """A lazily read, ordered selection of rows. Nothing but footers is read before it is asked for.

    Attributes:
        schema: the columns that will come, in order.
        files: where they lie, in order, as paths or keys that any Parquet reader takes.
    """

    def __init__(
        self, store: Store, spec: TableSpec, files: Sequence[LoggedFile], columns: Sequence[str]
    ) -> None:
        known = spec.table_schema
        for name in columns:
            if name not in known.names:
                raise LakeError(
                    f"table {spec.name} has no column {name!r}; it has {', '.join(known.names)}"
                )
        self.schema = pa.schema([known.field(name) for name in columns])
        self.files = tuple(store.path(spec.name, file.path) for file in files)
        self._store = store
        self._spec = spec
        self._logged = tuple(files)
        self._stored_columns = [name for name in columns if name != DATE_COLUMN]

    def count(self) -> int:
        """Number of rows, without reading them."""
        return sum(file.rows for file in self._logged)

    def schemas(self) -> Iterator[tuple[str, pa.Schema]]:
        """(file, the schema in its footer) of every file, whatever columns were asked for.

        Raises:
            FileDamaged: a file is gone or cut short.
        """
        for path, file in zip(self.files, self._logged, strict=True):
            with opened(self._store, self._spec, file) as parquet:
                yield path, parquet.schema_arrow

    def batches(self, rows: int = 16_384) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order, at most `rows` at a time.

        Raises:
            FileDamaged: a file is gone, cut short or fails its checksums.
        """
        ebb = Ebb()
        for file in self._logged:
            with opened(self._store, self._spec, file) as parquet:
                found = parquet.iter_batches(rows, columns=self._stored_columns, use_threads=False)
                for batch in self._guarded(found, file):
                    yield self._dressed(batch, file.day)
                    ebb.passed(batch.num_rows)

    def to_arrow(self) -> pa.Table:
        """All rows as one Arrow table."""
        return pa.Table.from_batches(self.batches(), self.schema)

    def to_pandas(self) -> pd.DataFrame:
        """All rows as a pandas frame.

        A column that may hold null is Arrow-backed: null stays apart from NaN, integers stay
        integers and booleans booleans. All others are plain numpy columns. Dates and times are
        datetime64, NaT where null.
        """
        import pandas as pd

        table = self.to_arrow()
        nullable = [field.name for field in table.schema if field.nullable]
        plain = [field.name for field in table.schema if not field.nullable]
        frames = [
            table.select(plain).to_pandas(date_as_object=False),
            table.select(nullable).to_pandas(types_mapper=_nullable_type, date_as_object=False),
        ]
        return pd.concat(frames, axis=1)[table.schema.names]

    def _guarded(
        self, found: Iterator[pa.RecordBatch], file: LoggedFile
    ) -> Iterator[pa.RecordBatch]:
        path = self._store.path(self._spec.name, file.path)
        stored = self._spec.storage_schema
        declared = [stored.field(name) for name in self._stored_columns]
        rows = 0
        try:
            for batch in found:
                if list(batch.schema) != declared:
                    raise ValueError(f"its columns are {batch.schema}")
                rows += batch.num_rows
                yield batch
        except _UNREADABLE as error:
            raise _damaged(self._spec, file, path, error) from error
        if rows != file.rows:
            raise _damaged(self._spec, file, path, f"{rows} rows, the log says {file.rows}")

    def _dressed(self, batch: pa.RecordBatch, day: date) -> pa.RecordBatch:
        arrays = dict(zip(batch.schema.names, batch.columns, strict=True))
        if DATE_COLUMN in self.schema.names:
            arrays[DATE_COLUMN] = _repeated(day, batch.num_rows)
        return pa.RecordBatch.from_arrays(
            [arrays[name] for name in self.schema.names], schema=self.schema
        )


def footers(store: Store, spec: TableSpec, files: Sequence[LoggedFile]) -> list[Footer]:
    """What each file says about itself.

    Raises:
        SchemaMismatch: one was not written by this lake.
        FileDamaged: one is gone or cut short.
    """
    if len(files) < 2:
        return [_footer(store, spec, file) for file in files]
    with ThreadPoolExecutor(_FOOTER_THREADS) as pool:
        return list(pool.map(lambda file: _footer(store, spec, file), files))


def check_schema(store: Store, spec: TableSpec, files: Sequence[LoggedFile]) -> None:
    """Refuse files that were written under another schema.

    Raises:
        SchemaMismatch: names table, date, stored and expected, and the command that cures it.
    """
    for file, footer in zip(files, footers(store, spec, files), strict=True):
        place = f"table {spec.name}, date {file.day} ({store.path(spec.name, file.path)})"
        cure = cure_of(spec.made_by, file.day)
        if footer.schema_version != spec.schema_version:
            raise SchemaMismatch(
                f"{place}: stored with schema version {footer.schema_version}, expected "
                f"{spec.schema_version}; compute the date again: {cure}"
            )
        if footer.schema_fingerprint != spec.fingerprint:
            raise SchemaMismatch(
                f"{place}: stored and expected schema are both version {spec.schema_version} but "
                f"their columns differ (stored {footer.schema_fingerprint[:12]}, expected "
                f"{spec.fingerprint[:12]}); raise schema_version, then compute the date again: "
                f"{cure}"
            )


def opened(store: Store, spec: TableSpec, file: LoggedFile) -> pq.ParquetFile:
    """A stored file, ready to read, page checksums verified while reading."""
    path = store.path(spec.name, file.path)
    try:
        return pq.ParquetFile(
            path,
            filesystem=store.filesystem,
            page_checksum_verification=True,
            # It fetches a file as a whole: memory for round trips, which a local disk has none of.
            pre_buffer=not store.local,
        )
    except _UNREADABLE as error:
        raise _damaged(spec, file, path, error) from error


def _damaged(spec: TableSpec, file: LoggedFile, path: str, why: str | Exception) -> FileDamaged:
    gone = "is gone (was its version vacuumed, or replaced while it was read?)"
    said = why if isinstance(why, str) else in_a_line(why)
    detail = gone if isinstance(why, FileNotFoundError) else f"cannot be read: {said}"
    cure = f"read the latest version, or compute the date again: {cure_of(spec.made_by, file.day)}"
    return FileDamaged(
        f"table {spec.name}, date {file.day}: {path} {detail}; {cure_in_want(cure, why)}"
    )


def _footer(store: Store, spec: TableSpec, file: LoggedFile) -> Footer:
    path = store.path(spec.name, file.path)
    with opened(store, spec, file) as parquet:
        metadata = parquet.metadata
        text = (metadata.metadata or {}).get(FOOTER_KEY.encode())
        if text is None:
            raise SchemaMismatch(
                f"table {spec.name}, date {file.day}: {path} was not written by this package; "
                f"compute the date again: {cure_of(spec.made_by, file.day)}"
            )
        try:
            said: dict[str, Any] = json.loads(text)
            said.pop("table")
            return Footer(rows=metadata.num_rows, **said)
        except _UNREADABLE as error:
            raise _damaged(spec, file, path, error) from error


def _nullable_type(kind: pa.DataType) -> Any:
    import pandas as pd

    # Times have a null of their own in numpy; pandas' masked floats would turn NaN into null.
    return None if pa.types.is_temporal(kind) else pd.ArrowDtype(kind)


def _repeated(day: date, count: int) -> pa.Array[Any]:
    """A date32 column of one date (`pa.repeat` would import pandas for it)."""
    days = np.full(count, (day - _EPOCH).days, dtype=np.int32)
    return pa.Array.from_buffers(pa.date32(), count, [None, pa.py_buffer(days.tobytes())])
