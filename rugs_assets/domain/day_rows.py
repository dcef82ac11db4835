"""Rows of a date: decoded events of a session to rows of `raw_ws_events`.

In: a session, what to read of it for a date, and its decoded events (blocks sorted by seq, repeats
removed). Out: the rows of the date, in order of arrival. Grain: one used event. Which events a date
must hold is decided in ``sessions``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rugs_assets.domain import events as ev
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
    for block in events:
        used = block.filter(block["is_used"])
        if not used.num_rows:
            continue
        seqs = ints(used["seq"])
        games = belonging(session, used)
        own = session.is_of(day, games)
        between = (seqs >= plan.first_seq) & (seqs <= plan.last_seq)
        keep = (own | between | np.isin(seqs, context)) & ~session.homeless(used)
        if keep.any():
            yield _as_rows(session, used, games, own, keep)


def rows_of_session(session: Session, events: Iterable[pa.Table]) -> Iterator[pa.RecordBatch]:
    """The rows of `raw_ws_events` of a whole session, whatever the dates of its games.

    Args:
        session: the session.
        events: blocks of its events in order of seq, repeats removed (schema `DECODED`).
    """
    for block in events:
        used = block.filter(block["is_used"])
        if used.num_rows:
            own = np.ones(used.num_rows, bool)
            yield _as_rows(session, used, belonging(session, used), own, ~session.homeless(used))


def without_repeats(events: pa.Table) -> pa.Table:
    """Events sorted by seq; one with the number, name and stamp of that before it repeats it."""
    order = np.argsort(events["seq"].to_numpy(), kind="stable")
    if not (np.diff(order) == 1).all():
        events = events.take(order)
    seqs = events["seq"].to_numpy()
    same = np.flatnonzero(seqs[1:] == seqs[:-1])
    if not len(same):
        return events
    keep = np.ones(len(seqs), bool)
    names, stamps = events["event"], events["stamped_at"]
    for at in same.tolist():
        if names[at] == names[at + 1] and stamps[at] == stamps[at + 1]:
            keep[at + 1] = False
    return events.filter(pa.array(keep))


def belonging(session: Session, events: pa.Table) -> NDArray[np.object_]:
    """The game of each event: the one it names, else the one current in its session."""
    named = events["game_id"].to_numpy()
    return np.where(named == None, session.games_at(ints(events["seq"])), named)  # noqa: E711 # elementwise


def _as_rows(
    session: Session,
    events: pa.Table,
    games: NDArray[np.object_],
    own: NDArray[np.bool_],
    keep: NDArray[np.bool_],
) -> pa.RecordBatch:
    stamped = ints(events["stamped_at"].cast(pa.int64()))
    naive = ~events["has_zone"].to_numpy()
    received = stamped + np.where(naive, session.clock.offset_us, 0)
    columns = {name: events[name].combine_chunks() for name in events.schema.names}
    columns |= {
        "received_at": pa.array(received, pa.timestamp("us", "UTC")),
        "episode_id": pa.array(games, pa.string()),
        "is_context": pa.array(~own),
    }
    arrays = [columns[name] for name in ev.RAW_WS_EVENTS.names]
    return pa.RecordBatch.from_arrays(arrays, schema=ev.RAW_WS_EVENTS).filter(pa.array(keep))
