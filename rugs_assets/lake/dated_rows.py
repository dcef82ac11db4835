"""One date of a table at one version, for whoever reads it more than once.

In: its files. Out: what it holds, and its rows, as often as they are asked for. Invariant: what is
read belongs together, whatever is committed meanwhile; the log is not looked at again.

Belongs here: one date of one table. Goes elsewhere: rows of several dates (`rows`), which version
(`tables`).
"""

from __future__ import annotations

from collections.abc import Sequence

from rugs_assets.lake.delta_log import LoggedFile
from rugs_assets.lake.rows import Rows, check_schema
from rugs_assets.lake.specs import StoredDate, TableSpec
from rugs_assets.lake.storage import Store


class DatedRows:
    """A date of a table.

    Args:
        store: where the table lies.
        spec: the table as this code understands it.
        files: those of the date, in row order.
        stored: what they hold.
    """

    def __init__(
        self, store: Store, spec: TableSpec, files: Sequence[LoggedFile], stored: StoredDate
    ) -> None:
        self.stored = stored
        self._store = store
        self._spec = spec
        self._files = files
        self._is_judged = False

    def rows(self, columns: Sequence[str] | None = None) -> Rows:
        """The rows in stored order; nothing is read of them yet.

        Args:
            columns: which; None: those of the table.

        Raises:
            SchemaMismatch: they were stored under another schema (version); names the cure.
        """
        if not self._is_judged:
            check_schema(self._store, self._spec, self._files)
            self._is_judged = True
        names = self._spec.schema.names if columns is None else columns
        return Rows(self._store, self._spec, self._files, names)
