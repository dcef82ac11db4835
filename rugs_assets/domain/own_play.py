"""Own play: a date's presses and accounts, in one walk over its events.

In: the events of a date, and of which games whose view is taken. Out: every press of the date with
what its game had shown, and the account at the rows of the games with an own player.
Invariants: memory does not grow with the events, only with presses and what is kept of accounts;
sessions of which no game with an own player is taken are not walked, but their presses are there
all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic

import pyarrow as pa
import pyarrow.compute as pc

from rugs_assets.domain import events as ev
from rugs_assets.domain.accounts import AccountBook, Kept
from rugs_assets.domain.event_columns import EVENT_COLUMNS
from rugs_assets.domain.observation_pass import ObservationPass
from rugs_assets.domain.presses import PRESS_COLUMNS, Press, PressReader
from rugs_assets.domain.rewards import Account
from rugs_assets.domain.session_blocks import session_blocks

PLAY_COLUMNS = tuple(dict.fromkeys((*EVENT_COLUMNS, *PRESS_COLUMNS)))
"""The columns of `raw_ws_events` that the walk and the presses need."""


@dataclass(frozen=True, slots=True)
class OwnPlay(Generic[Kept]):
    """What the own players did on a date.

    Attributes:
        presses: session by session, in order of arrival.
        accounts: (episode_id, session_id) -> what is kept of the account at the game's rows.
    """

    presses: list[Press]
    accounts: dict[tuple[str, str], Kept]


def played_events(
    episodes: pa.Table, names: Iterable[pa.RecordBatch], events: Iterable[pa.RecordBatch]
) -> Iterable[pa.RecordBatch]:
    """The events of a date where `own_play_of` can find anything in them, else none.

    Args:
        episodes: the date's `episodes`.
        names: the column ``event`` of the date's `raw_ws_events`.
        events: the columns `PLAY_COLUMNS`; not read where nobody played and no press was recorded.
    """
    press = pa.scalar(ev.BUTTON)
    if pc.any(episodes["has_player"]).as_py():
        return events
    is_there = any(pc.any(pc.equal(batch["event"], press)).as_py() for batch in names)
    return events if is_there else ()


def own_play_of(
    events: Iterable[pa.RecordBatch],
    played: set[tuple[str, str]],
    keep: Callable[[Account], Kept],
) -> OwnPlay[Kept]:
    """Walk the events of a date.

    Args:
        events: the rows of `raw_ws_events` of the date, in their order, at least `PLAY_COLUMNS`.
        played: (episode_id, session_id) of the games with an own player, and whose view is taken.
        keep: what is to be remembered of each account.
    """
    followed = {session_id for _, session_id in played}
    book = AccountBook(played, keep)
    presses: list[Press] = []
    walk, reader, walking = ObservationPass(), PressReader(), ""
    for session_id, block in session_blocks(events):
        if session_id != walking:
            walk, reader, walking = ObservationPass(), PressReader(), session_id
        rows = walk.push(block) if session_id in followed else None
        presses += reader.read(block, rows)
        if rows is not None:
            book.follow(session_id, block, rows)
    return OwnPlay(presses, book.accounts())
