"""Rows of the own player's dealings, beside those of ``builders``: requests, answers, trades."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from rugs_assets.domain import events as ev
from rugs_assets.domain.episodes import GAME_COLUMNS, EpisodeRules, episodes_of
from rugs_assets.domain.games import games_in
from rugs_assets.domain.observations import EVENT_COLUMNS, observations_of
from rugs_assets.domain.own_play import PLAY_COLUMNS
from rugs_assets.domain.samples import DECISION_COLUMNS, SamplePass, SampleRules
from rugs_assets.domain.shards import STEP_LABEL_COLUMNS, STEP_ROW_COLUMNS, shards_of
from rugs_assets_tests.domain.builders import GAME_A, ME, START, Row

RULES, KEPT = SampleRules(), EpisodeRules()
START_MS = START.timestamp() * 1000


def received_ms(position: int) -> float:
    """When the row at a position (from 0) of `rows_of` was received, epoch ms."""
    return START_MS + 250 * (position + 1)


def asks(event: str = ev.BUY_REQUEST) -> Row:
    """A request on the wire; it names no game."""
    return {"event": event, "direction": "sent"}


def answers(price: float | None = None, *, refused: bool = False, **columns: Any) -> Row:
    """The server's answer to a request."""
    verdict = "refused" if refused else "accepted"
    return {"event": ev.ANSWER, "trade_side": verdict, "trade_price": price, **columns}


def trade(side: str, tick: int, price: float, *, who: str = ME, **columns: Any) -> Row:
    """A trade on the public feed."""
    row = {"event": ev.TRADE, "episode_id": GAME_A, "player_id": who, "trade_side": side}
    return {**row, "trade_tick": tick, "trade_price": price, **columns}


def by_game(batches: Iterable[pa.RecordBatch]) -> list[pa.RecordBatch]:
    """The same rows as one batch a game."""
    return [game.rows.combine_chunks().to_batches()[0] for game in games_in(batches)]


def read(batches: Iterable[pa.RecordBatch], columns: Iterable[str]) -> list[pa.RecordBatch]:
    """The same rows with the columns that a stage reads of them, and no others."""
    return [batch.select(list(columns)) for batch in batches]


class Made:
    """All tables that the stages make of a session's rows, as one batch a game."""

    def __init__(
        self,
        events: list[pa.RecordBatch],
        rules: SampleRules = RULES,
        episodes: EpisodeRules = KEPT,
    ) -> None:
        self.events = events
        self.episodes = episodes_of(read(events, GAME_COLUMNS), episodes)
        self.observations = by_game(observations_of(read(events, EVENT_COLUMNS), self.episodes))
        rows, played = read(self.observations, DECISION_COLUMNS), read(events, PLAY_COLUMNS)
        alignment = SamplePass(rows, played, self.episodes, rules)
        self.batches = by_game(alignment.samples())
        self.unaligned = alignment.unaligned()
        rows = read(self.observations, STEP_ROW_COLUMNS)
        labels = read(self.batches, STEP_LABEL_COLUMNS)
        self.shards = by_game(shards_of(rows, labels, self.episodes))

    @property
    def samples(self) -> list[Row]:
        """The decisions as dicts."""
        rows: list[Row] = [row for batch in self.batches for row in batch.to_pylist()]
        return rows

    @property
    def reasons(self) -> list[tuple[str | None, str]]:
        """(button, reason) of the presses that no decision carries."""
        left = self.unaligned.to_pylist()
        return [(row["button_id"], row["reason"]) for row in left]
