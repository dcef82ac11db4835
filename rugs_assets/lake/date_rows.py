"""What a rule is handed: one date of the store, its rows at the versions that are to be judged.

Belongs here: that one interface. Goes elsewhere: who implements it (`release_basis.PinnedDate`, the
`Day` of orchestration), who uses it (`date_rules`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Protocol

import pyarrow as pa

from rugs_assets.lake.specs import StoredDate, TableSpec


class DateRows(Protocol):
    """One date of every table, each at a version of its own that does not change meanwhile."""

    @property
    def date(self) -> date:
        """The capture date."""

    def stored(self, table: TableSpec) -> StoredDate:
        """What the table holds for the date."""

    def batches(
        self, table: TableSpec, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The rows in stored order, with bounded memory."""

    def table(self, table: TableSpec, columns: Sequence[str] | None = None) -> pa.Table:
        """The rows in stored order, all at once."""

    def schemas(self, table: TableSpec) -> Iterator[tuple[str, pa.Schema]]:
        """(file, the schema in its footer) of every file.

        Raises:
            SchemaMismatch: a file was written under another schema (version).
        """
