"""One date of the store, as an asset body or a check sees it.

Rows are stored with a digest of the inputs that the stage declares. On reading, that digest is
compared with what the inputs hold now, and what is stale is refused: rows made from an old
version of one table beside a new version of another would fit together nowhere.
"""

import hashlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg
import pyarrow as pa

from rugs_assets.lake.dated_rows import DatedRows
from rugs_assets.lake.errors import cure_of
from rugs_assets.lake.specs import Commit, Provenance, StoredDate, TableSpec
from rugs_assets.lake.tables import Lake
from rugs_assets.orchestration import metadata
from rugs_assets.orchestration.stages import STAGES, Stage

_INPUTS = {stage.name: stage.inputs for stage in STAGES}


class InputInvalid(dg.Failure):
    """What an asset is to read is missing, stale or breaks a rule; says which and the cure."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(
            description="\n".join(problems),
            metadata={"problems": len(problems)},
            allow_retries=False,  # the same input gives the same answer
        )


class Day:
    """Reads and writes one date.

    Args:
        lake: The store.
        date: The capture date (UTC).
    """

    def __init__(self, lake: Lake, date: date) -> None:
        self.lake = lake
        self.date = date
        self._dated: dict[str, DatedRows] = {}
        self._started = time.perf_counter()
        self._seconds = 0.0

    @classmethod
    def of(cls, partition_key: str, lake: Lake) -> "Day":
        """The date of a partition key."""
        return cls(lake, date.fromisoformat(partition_key))

    def stored(self, table: TableSpec) -> StoredDate:
        """What the store holds for this date.

        Raises:
            InputInvalid: The date was never written, or was made from what its inputs no longer
                hold.
        """
        return self._rows(table).stored

    def batches(
        self, table: TableSpec, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The rows of this date in stored order, with bounded memory."""
        yield from self._rows(table).rows(columns).batches()

    def table(self, table: TableSpec, columns: Sequence[str] | None = None) -> pa.Table:
        """The rows of this date in stored order, all at once."""
        return self._rows(table).rows(columns).to_arrow()

    def schemas(self, table: TableSpec) -> Iterator[tuple[str, pa.Schema]]:
        """(file, the schema in its footer) of every file of this date.

        Raises:
            SchemaMismatch: A file was written under another schema (version).
        """
        yield from self._rows(table).rows().schemas()

    def before(self, table: TableSpec) -> date | None:
        """The newest stored date before this one that has rows; None where there is none."""
        counts = self.lake.row_counts(table)
        return max((day for day, rows in counts.items() if rows and day < self.date), default=None)

    def write(
        self,
        stage: Stage,
        batches: Iterable[pa.RecordBatch],
        run_id: str,
        *,
        into: TableSpec | None = None,
        input_digest: str | None = None,
        config: Mapping[str, object] | None = None,
        tally: str = "",
    ) -> Commit:
        """Replace this date of a stage's table, or of its side table, in one commit.

        Args:
            stage: Whose rows they are.
            batches: The rows, in order.
            run_id: The Dagster run that made them.
            into: The table, where it is not the stage's own.
            input_digest: Digest of what was read, where that was not a table.
            config: What the user tuned.
            tally: What was counted of the input, where no table holds it.
        """
        provenance = Provenance(
            run_id=run_id,
            code_version=stage.code_version,
            input_digest=input_digest or self._digest_of_inputs(stage.inputs),
            config=json.dumps(dict(config or {}), sort_keys=True),
            tally=tally,
        )
        commit = self.lake.replace(into or stage.table, self.date, batches, provenance)
        self._seconds = time.perf_counter() - self._started  # what is shown of it costs extra
        return commit

    def result(
        self,
        stage: Stage,
        commit: Commit,
        shown: Mapping[str, object],
        *,
        input_bytes: int | None = None,
    ) -> dg.MaterializeResult[Any]:
        """What Dagster is told about a commit.

        Args:
            stage: The asset.
            commit: What was written of it.
            shown: What else there is to show of it (`shown`).
            input_bytes: How much was read, where that was not a table.
        """
        read = sum(self.stored(table).bytes for table in stage.inputs)
        told: dict[str, Any] = {
            **shown,  # what a person looks for comes first
            **metadata.of_commit(
                commit,
                self.lake.uri(stage.table),
                table_rows=sum(self.lake.row_counts(stage.table).values()),
                input_bytes=read if input_bytes is None else input_bytes,
                seconds=self._seconds,
            ),
        }
        if stage.inputs:
            told["dagster/column_lineage"] = metadata.column_lineage(stage.table, stage.inputs)
        return dg.MaterializeResult(
            metadata=told, data_version=dg.DataVersion(commit.content_digest)
        )

    def _rows(self, table: TableSpec) -> DatedRows:
        """The date as it was when it was first asked for; the log is not read for every rule."""
        if table.name not in self._dated:
            self._dated[table.name] = self._fresh(table)
        return self._dated[table.name]

    def _fresh(self, table: TableSpec) -> DatedRows:
        found = self.lake.dated(table, self.date)
        cure = cure_of(table.made_by, self.date)
        if found is None:
            raise InputInvalid([f"{table.name} holds nothing for {self.date}; first run: {cure}"])
        inputs = _INPUTS.get(table.name, ())
        if inputs and found.stored.input_digest != self._digest_of_inputs(inputs):
            names = ", ".join(each.name for each in inputs)
            raise InputInvalid(
                [
                    f"{table.name} of {self.date} was made from what {names} no longer hold;"
                    f" make it anew: {cure}"
                ]
            )
        return found

    def _digest_of_inputs(self, inputs: Iterable[TableSpec]) -> str:
        return digest_of(self.stored(each) for each in inputs)


def digest_of(stored: Iterable[StoredDate]) -> str:
    """sha256 over what was read: table by table the digest of its content, whatever the order."""
    lines = sorted(f"{each.table}\t{each.content_digest}" for each in stored)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
