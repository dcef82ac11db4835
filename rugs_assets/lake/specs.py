"""What a table is and what the lake says about one date of it: frozen records, no files.

Belongs here: declarations, provenance, fingerprints and the schema rules of Delta. Goes elsewhere:
bytes (`parquet_files`), the log (`delta_log`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa

from rugs_assets.lake.errors import SpecInvalid

DATE_COLUMN = "capture_date"
"""The partition column (date32, UTC) of every table. It lives in the path only, never in a file."""

_UTC_MICROSECONDS = pa.timestamp("us", tz="UTC")
_PLAIN_TYPES = (
    pa.bool_(),
    pa.int8(),
    pa.int16(),
    pa.int32(),
    pa.int64(),
    pa.float32(),
    pa.float64(),
    pa.string(),
    pa.binary(),
    pa.date32(),
    _UTC_MICROSECONDS,
)


@dataclass(frozen=True, slots=True)
class TableSpec:
    """A table: its columns and how its files are laid out.

    Attributes:
        name: also the folder below the store.
        schema: columns in order, without `capture_date`; non-nullable ones are declared
            `nullable=False`.
        schema_version: raised whenever columns or their meaning change.
        row_group_rows: rows a Parquet row group, also the unit of memory of writer and reader.
        compression: Parquet codec.
        dictionary: whether columns are dictionary encoded.
        file_rows: a file is closed at this many rows (None: one file a date).
        keep_together: with `file_rows`, files are closed only where this column's value changes, so
            that an episode never splits over files. Equal values must be adjacent.
        asset: what is materialized to write it, where that is not called as the table is.

    Raises:
        SpecInvalid: on a name, a type or a layout that cannot be honoured.
    """

    name: str
    schema: pa.Schema
    schema_version: int
    row_group_rows: int = 32_768
    compression: str = "zstd"
    dictionary: bool = True
    file_rows: int | None = None
    keep_together: str | None = None
    asset: str | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise SpecInvalid(f"table name {self.name!r}: use lower case letters, digits and _")
        if self.row_group_rows < 1 or (self.file_rows is not None and self.file_rows < 1):
            raise SpecInvalid(f"table {self.name}: row_group_rows and file_rows must be positive")
        if DATE_COLUMN in self.schema.names:
            raise SpecInvalid(
                f"table {self.name}: {DATE_COLUMN} is added by the lake, leave it out"
            )
        if len(set(self.schema.names)) != len(self.schema.names):
            raise SpecInvalid(f"table {self.name}: a column name occurs twice")
        for field in self.schema:
            _refuse_unsupported(self.name, field.name, field.type)
        if self.keep_together is not None:
            self._check_keep_together(self.keep_together)

    def _check_keep_together(self, column: str) -> None:
        if self.file_rows is None:
            raise SpecInvalid(f"table {self.name}: keep_together needs file_rows")
        if column not in self.schema.names or self.schema.field(column).nullable:
            raise SpecInvalid(
                f"table {self.name}: keep_together={column!r} must be a column with nullable=False"
            )

    @property
    def made_by(self) -> str:
        """The asset that writes it."""
        return self.asset or self.name

    @property
    def storage_schema(self) -> pa.Schema:
        """The schema inside the files: no metadata, so that their bytes depend on data only."""
        return pa.schema([pa.field(f.name, f.type, f.nullable) for f in self.schema])

    @property
    def table_schema(self) -> pa.Schema:
        """The schema of the Delta table: the columns, then `capture_date`."""
        return self.storage_schema.append(pa.field(DATE_COLUMN, pa.date32(), nullable=False))

    @property
    def fingerprint(self) -> str:
        """sha256 hex of names, types and nullability, in order."""
        lines = [f"{f.name}\t{f.type}\t{int(f.nullable)}" for f in self.schema]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the rows of one date come from.

    Attributes:
        run_id: the run that wrote them; kept in the commit only, since files hold no trace of when.
        code_version: version of the code that computed them.
        input_digest: digest of what they were computed from.
        config: the settings that shaped them, as sorted JSON text.
        tally: what was counted of the input while they were made, as sorted JSON text, where that
            cannot be counted again from a table.
    """

    run_id: str
    code_version: str
    input_digest: str
    config: str = "{}"
    tally: str = ""


@dataclass(frozen=True, slots=True)
class Commit:
    """The outcome of `Lake.replace`.

    Attributes:
        version: the table version that holds the rows (the present one when `unchanged`).
        bytes: size of the files.
        files: paths below the table's folder, in row order.
        checksums: sha256 hex of each file.
        content_digest: sha256 hex over schema and data; equal data give an equal digest, whatever
            the provenance, the chunking of the batches, the machine or the day.
        unchanged: data and provenance (but for the run id) were stored already; nothing was
            committed.
    """

    table: str
    day: date
    version: int
    rows: int
    bytes: int
    files: tuple[str, ...]
    checksums: tuple[str, ...]
    content_digest: str
    schema_version: int
    provenance: Provenance
    unchanged: bool


@dataclass(frozen=True, slots=True)
class StoredDate:
    """What one date of a table holds, read from its files."""

    table: str
    day: date
    version: int
    rows: int
    bytes: int
    files: tuple[str, ...]
    content_digest: str
    schema_version: int
    code_version: str
    input_digest: str
    config: str
    tally: str


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One version of a table as its log tells it; what is not a replaced date has no `day`."""

    version: int
    at: datetime  # UTC, the writer's clock
    operation: str
    day: date | None
    rows: int | None
    run_id: str | None
    code_version: str | None
    schema_version: int | None
    input_digest: str | None
    content_digest: str | None
    checksums: tuple[tuple[str, str], ...]  # (path, sha256 hex) of the files it added


def content_digest(fingerprint: str, data_digests: Iterable[str]) -> str:
    """sha256 hex over a schema fingerprint and the data digests of the files in order."""
    return hashlib.sha256("\n".join([fingerprint, *data_digests]).encode()).hexdigest()


def _refuse_unsupported(table: str, column: str, kind: pa.DataType) -> None:
    """Refuse what Delta cannot hold (unsigned, fixed-size list) or would bend (naive times)."""
    if pa.types.is_list(kind):
        _refuse_unsupported(table, column, kind.value_type)
    elif pa.types.is_struct(kind):
        for index in range(kind.num_fields):
            _refuse_unsupported(table, column, kind.field(index).type)
    elif kind not in _PLAIN_TYPES:
        raise SpecInvalid(
            f"table {table}, column {column}: type {kind} has no faithful Delta type; use a signed "
            f"integer, a float, string, binary, bool, date32, {_UTC_MICROSECONDS}, or a list or "
            "struct"
        )
