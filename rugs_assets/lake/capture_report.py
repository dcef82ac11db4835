"""The capture report: what a folder of captures holds, for a person who has to trust it.

In: a landing. Out: Markdown: per capture games, rows, gaps, late and repeated frames, fairness
verdicts, rejected input by reason, clocks, and the share of rows at which each feature is observed.
It runs the same domain functions as the assets, on every date, and stores nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from rugs_assets.domain.episodes import EpisodeRules, episodes_of
from rugs_assets.domain.features import FEATURE_NAMES
from rugs_assets.domain.observations import observations_of
from rugs_assets.lake.landing import DayInput, Inventory

MOST_CAPTURES_SHOWN = 12
"""A group of more captures than this is shown as one line a date."""

_FATES = {
    "lines": "lines",
    "events": "events",
    "duplicates": "duplicates",
    "rejected": "rejected",
    "blank": "blank",
    "go on with an object": "joined",
    "share a line": "doubled",
    "unaccounted": "lost",
}
"""Column -> count of a file: `lines` and `share a line` together are all the others."""


@dataclass(slots=True)
class CaptureFigures:
    """What one capture (or a date of many small ones) gave.

    Attributes:
        name: the capture, or the group.
        games: rows of `episodes` whose view was taken from it.
        rows: rows of `observations`; ``observed`` how many of them have each feature observed.
    """

    name: str
    games: list[dict[str, Any]] = field(default_factory=list)
    rows: int = 0
    observed: np.ndarray[Any, np.dtype[np.int64]] = field(
        default_factory=lambda: np.zeros(len(FEATURE_NAMES), np.int64)
    )

    def total(self, column: str) -> int:
        """The sum of a count over its games."""
        return sum(int(game[column]) for game in self.games)


def capture_report(inventory: Inventory) -> str:
    """The report on a landing folder as Markdown."""
    days = [inventory.select(day) for day in inventory.days]
    figures = _figures(days)
    parts = [
        "## What the files gave",
        _table(("capture", *_FATES), _files(inventory)),
        "`lines` and `share a line` (more than one piece) are all the other columns together.",
        "## Games, frames and verdicts",
        _table(
            (
                "capture",
                "games",
                "kept",
                "rows",
                "missing ticks",
                "late",
                "repeated",
                "after the rug",
                "seen elsewhere too",
                "verdicts",
            ),
            [_games(figure) for figure in figures],
        ),
        "## Why games are not kept",
        _table(("reason", "games"), _counted(_reasons(figures))),
        "## Rejected input",
        _table(("reason", "pieces"), _counted(_rejections(days))),
        "## Clocks",
        _table(("offset and what it rests on", "sessions"), _counted(_clocks(days))),
        "## Share of rows at which a feature is observed",
        _table(("feature", *(figure.name for figure in figures)), _shares(figures)),
    ]
    return "\n\n".join(parts) + "\n"


def _figures(days: Sequence[DayInput]) -> list[CaptureFigures]:
    grouped: dict[str, CaptureFigures] = {}
    many = len({session for day in days for session in day.tally()["clocks"]})
    for day in days:
        episodes = episodes_of(day.events(), EpisodeRules())
        names = {}
        for game in episodes.to_pylist():
            session = str(game["session_id"])
            name = session if many <= MOST_CAPTURES_SHOWN else _group(session, day)
            names[game["episode_id"]] = name
            grouped.setdefault(name, CaptureFigures(name)).games.append(game)
        for batch in observations_of(day.events(), episodes):
            for episode, observed in _observed(batch):  # a batch may hold several games
                figure = grouped[names[episode]]
                figure.rows += len(observed)
                figure.observed += observed.sum(axis=0)
    return [grouped[name] for name in sorted(grouped)]


def _group(session_id: str, day: DayInput) -> str:
    folder = session_id.rpartition("/")[0]
    return f"{folder or 'all'} {day.day.isoformat()}"


def _observed(batch: pa.RecordBatch) -> Iterator[tuple[str, np.ndarray[Any, np.dtype[np.int64]]]]:
    """Each game of a batch, with a row of zeros and ones (features) for each of its rows."""
    bits = batch["observed"].to_numpy()[:, None] >> np.arange(len(FEATURE_NAMES)) & 1
    games = batch["episode_id"].dictionary_encode()
    of_game = games.indices.to_numpy()
    for at, game in enumerate(games.dictionary.to_pylist()):
        yield str(game), bits[of_game == at]


def _files(inventory: Inventory) -> Iterator[tuple[object, ...]]:
    groups: dict[str, list[Any]] = {}
    for file in inventory.files:
        groups.setdefault(file.path.rpartition("/")[0], []).append(file)
    for folder, files in sorted(groups.items()):
        few = len(files) <= MOST_CAPTURES_SHOWN
        for name, members in (
            [(file.path, [file]) for file in files]
            if few
            else [(f"{folder or '.'} ({len(files)} files)", files)]
        ):
            counts = _FATES.values()
            yield (name, *(sum(getattr(file, count) for file in members) for count in counts))


def _games(figure: CaptureFigures) -> tuple[object, ...]:
    verdicts = Counter(str(game["fairness"]) for game in figure.games)
    counts = ("missing_ticks", "late_frames", "duplicate_frames", "post_rug_frames")
    return (
        figure.name,
        len(figure.games),
        sum(game["excluded_because"] is None for game in figure.games),
        figure.rows,
        *(figure.total(count) for count in counts),
        sum(game["other_sessions"] > 0 for game in figure.games),
        ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())),
    )


def _reasons(figures: Iterable[CaptureFigures]) -> Iterator[str]:
    for figure in figures:
        for game in figure.games:
            if game["excluded_because"] is not None:
                yield str(game["excluded_because"])


def _rejections(days: Iterable[DayInput]) -> Iterator[str]:
    for day in days:
        for batch in day.rejected():
            yield from map(str, batch["reason"].to_pylist())


def _clocks(days: Iterable[DayInput]) -> Iterator[str]:
    found = {session: clock for day in days for session, clock in day.tally()["clocks"].items()}
    yield from found.values()


def _shares(figures: Sequence[CaptureFigures]) -> Iterator[tuple[object, ...]]:
    for index, name in enumerate(FEATURE_NAMES):
        yield (
            name,
            *(
                f"{figure.observed[index] / figure.rows:.1%}" if figure.rows else "-"
                for figure in figures
            ),
        )


def _counted(words: Iterable[str]) -> list[tuple[object, ...]]:
    counted = Counter(words).most_common()
    return [(word, count) for word, count in counted] or [("none", 0)]


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    lines += ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) else str(cell).replace("|", "\\|")
