"""Rows of a date: decoded events of a session to rows of `raw_ws_events`.

In: a session, what to read of it for a date, and its decoded events (blocks sorted by seq, repeats
removed). Out: the rows of the date, in order of arrival. Grain: one used event. Which events a date
must hold is decided in ``sessions``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rugs_assets.domain import events as ev
from rugs_assets.domain.columns import Array, coded
from rugs_assets.domain.session_facts import ints
from rugs_assets.domain.sessions import DayPlan, Session


def rows_of_day(
    session: Session, day: date, plan: DayPlan, events: Iterable[pa.Table]
) -> Iterator[pa.RecordBatch]:
    """The rows of `raw_ws_events` of one date and session.

    Args:
        session: the session.
        day: the date.
        plan: with the context to add.
        events: blocks of its events in order of seq, repeats removed (schema `DECODED`).

    Yields:
        Batches in the schema `RAW_WS_EVENTS`, in order of arrival.
    """
    context = np.array(plan.context, np.int64)
    current = session.is_of(day, [*session.games, None])
    for block in events:
        seqs = ints(block["seq"])
        games = belonging(session, block)
        named = games.names[: len(games.names) - len(current)]
        own = np.append(session.is_of(day, named), current)[games.codes]
        between = (seqs >= plan.first_seq) & (seqs <= plan.last_seq)
        keep = (own | between | np.isin(seqs, context)) & _is_usable(session, block)
        if keep.any():
            yield _as_rows(session, block, games, own, keep)


def rows_of_session(session: Session, events: Iterable[pa.Table]) -> Iterator[pa.RecordBatch]:
    """The rows of `raw_ws_events` of a whole session, whatever the dates of its games.

    Args:
        session: the session.
        events: blocks of its events in order of seq, repeats removed (schema `DECODED`).
    """
    for block in events:
        keep = _is_usable(session, block)
        if keep.any():
            own = np.ones(block.num_rows, bool)
            yield _as_rows(session, block, belonging(session, block), own, keep)


def _is_usable(session: Session, events: pa.Table) -> NDArray[np.bool_]:
    return np.asarray(events["is_used"].to_numpy() & ~session.homeless(events))


def by_seq(events: pa.Table) -> pa.Table:
    """Events sorted by seq; those with the same one stay in the order in which they came."""
    seqs = events["seq"].to_numpy()
    if (seqs[1:] >= seqs[:-1]).all():
        return events
    return events.take(np.argsort(seqs, kind="stable"))


def repeats(events: pa.Table) -> NDArray[np.bool_]:
    """Which events, sorted by seq, repeat one before them: the same number, name and stamp.

    They need not stand side by side: two rows of one number may each be there twice.
    """
    seqs = events["seq"].to_numpy()
    found = np.zeros(len(seqs), bool)
    same = np.flatnonzero(seqs[1:] == seqs[:-1])
    if not len(same):
        return found
    rows = np.union1d(same, same + 1)
    known: set[tuple[object, ...]] = set()
    columns = (events[name].take(rows).to_pylist() for name in ("event", "stamped_at"))
    for row, key in zip(
        rows.tolist(), zip(seqs[rows].tolist(), *columns, strict=True), strict=True
    ):
        found[row] = key in known
        known.add(key)
    return found


def without_repeats(events: pa.Table) -> pa.Table:
    """Events sorted by seq, each once."""
    events = by_seq(events)
    repeated = repeats(events)
    return events.filter(pa.array(~repeated)) if repeated.any() else events


@dataclass(frozen=True, slots=True)
class Belonging:
    """The game of each event.

    Attributes:
        names: the games; the last one is None, that of an event without any.
        codes: int64 (n,), for each event which of them is its own.
    """

    names: list[str | None]
    codes: NDArray[np.int64]


def belonging(session: Session, events: pa.Table) -> Belonging:
    """The game of each event: the one it names, else the one current in its session."""
    named, codes = coded(events["game_id"].combine_chunks())
    names = [*named, *session.games, None]
    current = session.current_at(ints(events["seq"]))
    current = np.where(current < 0, len(names) - 1, current + len(named))
    return Belonging(names, np.where(codes < 0, current, codes))


def _as_rows(
    session: Session,
    events: pa.Table,
    games: Belonging,
    own: NDArray[np.bool_],
    keep: NDArray[np.bool_],
) -> pa.RecordBatch:
    block = one_batch(events)
    stamped = ints(block["stamped_at"].cast(pa.int64()))[keep]
    naive = ~block["has_zone"].to_numpy(zero_copy_only=False)[keep]
    received = stamped + np.where(naive, session.clock.offset_us, 0)
    made: dict[str, Array] = {
        "received_at": pa.array(received, pa.timestamp("us", "UTC")),
        "episode_id": pa.array(games.names, pa.string()).take(games.codes[keep]),
        "is_context": pa.array(~own[keep]),
    }
    kept = len(received)
    mask = None if kept == len(keep) else pa.array(keep)
    arrays = [
        made[name] if name in made else _kept(block[name], mask, kept)
        for name in ev.RAW_WS_EVENTS.names
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=ev.RAW_WS_EVENTS)


def _kept(column: Array, mask: Array | None, count: int) -> Array:
    """The values of a column that the mask keeps; of nothing but nulls any `count` will do."""
    if mask is None:
        return column
    return column.slice(0, count) if column.null_count == len(column) else column.filter(mask)


def one_batch(table: pa.Table) -> pa.RecordBatch:
    """All rows of a table that has some as one batch; without a copy where they lie together."""
    batches = table.to_batches()
    return batches[0] if len(batches) == 1 else table.combine_chunks().to_batches()[0]
