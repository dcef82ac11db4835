"""Episodes as lists of events: the face of ``episodes`` for people who have events in their hands.

In: events as dicts, or event-store files that a pattern names. Out: `Episode` objects with the
events of one game each. Nothing is decided here: which game an event belongs to, where a game ends,
which session's view of it is taken and whether it is kept say ``recording`` and ``episodes``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pyarrow as pa

from rugs_assets.domain.episodes import EpisodeRules, episodes_of
from rugs_assets.domain.event_files import read_event_files
from rugs_assets.domain.recording import Place, Recording, places_of
from rugs_assets.domain.stored_rows import READ

Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Episode:
    """A game and its events.

    Attributes:
        game_id: the game.
        session_id: the session whose view of it is taken.
        events: every event of that session that belongs to it, in order of arrival, as given.
        is_terminal: whether its rug was seen; ``terminal_tick`` at which tick.
        is_complete: whether tick 0 and the rug were seen.
        first_tick: of the game proper; ``last_tick`` likewise.
    """

    game_id: str
    session_id: str
    events: tuple[Event, ...]
    is_terminal: bool
    terminal_tick: int | None
    is_complete: bool
    first_tick: int
    last_tick: int


class EpisodeSegmenter:
    """Groups events into games.

    Args:
        min_ticks: games with fewer ticks are left out.
        admit_incomplete: whether games are kept of which tick 0 or the rug is not there.
    """

    def __init__(self, min_ticks: int = 1, *, admit_incomplete: bool = True) -> None:
        self._rules = EpisodeRules(min_ticks=min_ticks, admit_incomplete=admit_incomplete)

    def segment(self, events: Sequence[Event]) -> list[Episode]:
        """The games among events.

        Args:
            events: in order of arrival, as `ObservationBuilder.update` takes them; an event that
                names no game belongs to the one that is current in its session.

        Returns:
            The games that are kept, in order of their first event.

        Raises:
            Malformed: a value has a wrong type or is none; the message names event and value.
        """
        return self._episodes(Recording.of_events(events), dict(places_of(events)))

    def from_parquet(self, pattern: str, limit: int | None = None) -> list[Episode]:
        """The games in files of the event store.

        Args:
            pattern: of paths; ``~``, ``*`` and ``**`` as in a shell.
            limit: how many rows to read at most; all by default.

        Returns:
            As `segment`; the events are the rows as dicts of what is read of them. Rows that are no
            usable event are left out.

        Raises:
            FileNotFoundError: no file matches the pattern.
        """
        files = list(read_event_files(pattern, limit))
        stored: dict[Place, Event] = {}
        for file in files:
            rows = chain.from_iterable(_as_dicts(batch) for batch in file.batches)
            stored |= {(file.path, position): row for position, row in enumerate(rows, start=1)}
        return self._episodes(Recording.of_files(files), stored)

    def _episodes(self, recording: Recording, given: Mapping[Place, Event]) -> list[Episode]:
        table = episodes_of(recording.rows, self._rules)
        kept = table.filter(table["excluded_because"].is_null()).to_pylist()
        events: dict[tuple[str, str | None], list[Event]] = {}
        for session_id, game, place in recording.belongings():
            events.setdefault((session_id, game), []).append(given[place])
        order = {key: at for at, key in enumerate(events)}
        kept.sort(key=lambda row: order[row["session_id"], row["episode_id"]])
        return [
            Episode(
                row["episode_id"],
                row["session_id"],
                tuple(events[row["session_id"], row["episode_id"]]),
                row["is_terminal"],
                row["terminal_tick"],
                row["is_complete"],
                row["first_tick"],
                row["last_tick"],
            )
            for row in kept
        ]


def _as_dicts(batch: pa.RecordBatch) -> Sequence[Event]:
    return batch.select([name for name in READ if name in batch.schema.names]).to_pylist()
