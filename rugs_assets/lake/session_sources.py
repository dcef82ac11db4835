"""Session sources: the events of a session, streamed in order out of the decoded units.

In: the blocks of a session, wherever they lie. Out: its events from one seq to another, sorted,
without repeats, a block at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rugs_assets.domain.day_rows import by_seq, without_repeats
from rugs_assets.domain.session_facts import SessionBlock
from rugs_assets.domain.sessions import Session
from rugs_assets.lake.errors import copy_unreadable
from rugs_assets.lake.units import Block, Unit


@dataclass(frozen=True)
class SessionSource:
    """A session, and for each of its blocks the unit it lies in."""

    session: Session
    blocks: tuple[tuple[Unit, Block], ...]

    def events(
        self,
        first_seq: int,
        last_seq: int,
        columns: list[str] | None = None,
        *,
        context: Sequence[int] = (),
    ) -> Iterator[pa.Table]:
        """Blocks of its events from ``first_seq`` to ``last_seq``, sorted by seq, no repeats.

        Arguments are those of `with_repeats`.
        """
        # A loop would hold on to each block while the next one is read.
        blocks = self.with_repeats(first_seq, last_seq, columns, context=context)
        yield from map(without_repeats, blocks)

    def with_repeats(
        self,
        first_seq: int,
        last_seq: int,
        columns: list[str] | None = None,
        *,
        context: Sequence[int] = (),
    ) -> Iterator[pa.Table]:
        """The same with events that several files hold, as often as they hold them.

        Blocks that overlap (the store's presses lie in files of their own) are merged: a row
        leaves when no later block can hold a row before it.

        Args:
            first_seq: where the span begins.
            last_seq: where it ends.
            columns: those that are read; all by default.
            context: seqs outside of the span; the blocks that hold them are read too, those in
                between are not.
        """
        wanted = [
            (unit, block)
            for unit, block in self.blocks
            if _holds(block.facts, first_seq, last_seq)
            or any(_holds(block.facts, seq, seq) for seq in context)
        ]
        held: pa.Table | None = None
        footer = _Footer()
        for index, (unit, block) in enumerate(wanted):
            part = _read_block(unit, block, columns, footer)
            held = part if held is None else pa.concat_tables([held, part])
            bound = wanted[index + 1][1].facts.first_seq if index + 1 < len(wanted) else 2**62
            ready, held = _cut(held, bound)
            del part  # what was handed out need not stay while the next block is read
            if ready.num_rows:
                yield by_seq(ready)
            del ready


def _holds(facts: SessionBlock, first_seq: int, last_seq: int) -> bool:
    return facts.first_seq <= last_seq and facts.last_seq >= first_seq


def _cut(events: pa.Table, bound: int) -> tuple[pa.Table, pa.Table | None]:
    """The events before a seq, and the others; what is in order is cut without a copy."""
    seqs = events["seq"].to_numpy()
    if (seqs[1:] >= seqs[:-1]).all():
        at = int(np.searchsorted(seqs, bound))
        return events.slice(0, at), events.slice(at) if at < len(seqs) else None
    return events.filter(pa.array(seqs < bound)), events.filter(pa.array(seqs >= bound))


class _Footer:
    """The footer of the file that was read last: the next block mostly lies in it too."""

    path: Path | None = None
    known: pq.FileMetaData | None = None

    def of(self, path: Path) -> pq.FileMetaData | None:
        """The footer of a file; None where it was not read last."""
        return self.known if path == self.path else None


def _read_block(unit: Unit, block: Block, columns: list[str] | None, footer: _Footer) -> pa.Table:
    try:
        with pq.ParquetFile(unit.events, metadata=footer.of(unit.events)) as file:
            footer.path, footer.known = unit.events, file.metadata
            return file.read_row_group(block.row_group, columns=columns, use_threads=False)
    except (OSError, pa.ArrowException) as error:
        raise copy_unreadable(unit.events, error) from error
