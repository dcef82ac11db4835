"""A store of a few small games that are whole from episodes to steps, and what releases expect.

Every observation of a game tells its game and its frame (features `tick` and `balance`), so that a
test can see for each sample where it comes from and whether the next observation follows it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from rugs_assets.domain.events import BUTTON
from rugs_assets.domain.features import FEATURE_NAMES, Phase, encode_game_id
from rugs_assets.domain.shards import shards_of
from rugs_assets.lake.catalog import (
    ALIGNED_SAMPLES,
    EPISODES,
    OBSERVATIONS,
    RAW_WS_EVENTS,
    REJECTED_INPUT,
    TRAINING_SHARDS,
    UNALIGNED_ACTIONS,
)
from rugs_assets.lake.release_basis import Basis, BasisTable
from rugs_assets.lake.specs import StoredDate, TableSpec
from rugs_assets.lake.tables import Lake, Provenance

MONDAY = date(2025, 12, 15)
TUESDAY = date(2025, 12, 16)
THURSDAY = date(2025, 12, 18)
CODE = "7"
_START = datetime(2025, 12, 15, 12, tzinfo=UTC)
_INPUTS: dict[str, tuple[TableSpec, ...]] = {
    "rejected_input": (),
    "raw_ws_events": (),
    "episodes": (RAW_WS_EVENTS,),
    "observations": (RAW_WS_EVENTS, EPISODES),
    "unaligned_actions": (RAW_WS_EVENTS, EPISODES, OBSERVATIONS),
    "aligned_samples": (RAW_WS_EVENTS, EPISODES, OBSERVATIONS),
    "training_shards": (EPISODES, OBSERVATIONS, ALIGNED_SAMPLES),
}


@dataclass(frozen=True, slots=True)
class Game:
    """A game of `decisions` samples; `rugs`: it is done at the end, otherwise truncated."""

    number: int
    decisions: int
    rugs: bool = True
    has_player: bool = True
    fairness: str = "verified"

    def episode_id(self, day: date) -> str:
        """The id, which names the date."""
        return f"{day:%Y%m%d}-{hashlib.sha256(str(self.number).encode()).hexdigest()[:16]}"


GAMES = (Game(1, 7), Game(2, 1, has_player=False), Game(3, 12, rugs=False), Game(4, 5), Game(5, 9))


def digest_of(stored: Iterable[StoredDate]) -> str:
    """A digest of inputs, as an orchestrator keeps it."""
    lines = sorted(f"{each.table} {each.content_digest}" for each in stored)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


BASIS = Basis(
    tuple(
        BasisTable(spec, CODE, _INPUTS[spec.name])
        for spec in (
            RAW_WS_EVENTS,
            REJECTED_INPUT,
            EPISODES,
            OBSERVATIONS,
            ALIGNED_SAMPLES,
            UNALIGNED_ACTIONS,
            TRAINING_SHARDS,
        )
    ),
    digest_of,
)


def make_date(
    lake: Lake,
    day: date,
    games: Sequence[Game] = GAMES,
    *,
    code: str = CODE,
    config: str = "{}",
    salt: float = 0.0,
    shards: TableSpec = TRAINING_SHARDS,
    upto: str = "training_shards",
) -> None:
    """Write all tables of a date, or those up to one; `salt` makes other rows."""
    samples = pa.Table.from_batches(_samples(day, games))
    presses = _presses(samples)
    made: dict[str, pa.Table] = {
        "rejected_input": REJECTED_INPUT.schema.empty_table(),
        "raw_ws_events": presses,
        "episodes": _episodes(day, games),
        "observations": pa.Table.from_batches(_observations(day, games, salt)),
        "unaligned_actions": UNALIGNED_ACTIONS.schema.empty_table(),
        "aligned_samples": samples,
    }
    made["training_shards"] = pa.Table.from_batches(
        shards_of(
            made["observations"].to_batches(),
            made["aligned_samples"].to_batches(),
            made["episodes"],
        )
    )
    for name, table in made.items():
        spec = {each.spec.name: each.spec for each in BASIS.tables}[name]
        inputs = [lake.provenance(each, day) for each in _INPUTS[name]]
        digest = digest_of(each for each in inputs if each is not None)
        tally = tally_of(presses.num_rows) if spec is RAW_WS_EVENTS else ""
        provenance = Provenance(f"run-{salt}", code, digest, config, tally)
        written = replace(shards) if spec is TRAINING_SHARDS else spec
        lake.replace(written, day, table.to_batches(), provenance)
        if name == upto:
            return


def tally_of(used: int, **other: int) -> str:
    """A tally of captures that hold `used` events and nothing else, unless said."""
    counts = {"kept": used, "used": used, "ignored": 0, "rejected": 0, "lost": 0}
    return json.dumps(counts | other, sort_keys=True)


def make_store(folder: Path, days: Sequence[date] = (MONDAY, TUESDAY)) -> Lake:
    """A store with the same games on each date."""
    lake = Lake(folder)
    for day in days:
        make_date(lake, day)
    return lake


def _episodes(day: date, games: Sequence[Game]) -> pa.Table:
    rows: list[dict[str, Any]] = [
        {
            **{field.name: None for field in EPISODES.schema},
            "episode_id": game.episode_id(day),
            "session_id": "s-1",
            "has_player": game.has_player,
            "first_received_at": _START,
            "last_received_at": _START,
            **dict.fromkeys(
                (
                    "frames",
                    "rows",
                    "ticks",
                    "missing_ticks",
                    "late_frames",
                    "duplicate_frames",
                    "post_rug_frames",
                    "other_sessions",
                ),
                game.decisions + 1,
            ),
            "peak_price": 1.0 + game.number,
            "is_terminal": game.rugs,
            "is_complete": game.rugs,
            "fairness": game.fairness,
        }
        for game in games
    ]
    return pa.Table.from_pylist(rows, EPISODES.schema)


def _observations(day: date, games: Sequence[Game], salt: float) -> Iterator[pa.RecordBatch]:
    for game in games:
        rows = game.decisions + 1
        frames = np.arange(rows)
        features = {name: np.full(rows, 1.0 + salt, np.float32) for name in FEATURE_NAMES}
        features["tick"] = frames.astype(np.float32)
        features["balance"] = np.full(rows, game.number + 100 * day.day, np.float32)
        features["game_phase"] = np.full(rows, Phase.ACTIVE, np.float32)
        features["game_id"] = np.full(rows, encode_game_id(game.episode_id(day)), np.float32)
        features["price"] = (1 + frames / 7).astype(np.float32)
        columns: dict[str, Any] = {
            "episode_id": [game.episode_id(day)] * rows,
            "session_id": ["s-1"] * rows,
            "frame": frames,
            "received_at": [_START + timedelta(seconds=int(frame)) for frame in frames],
            "observed": 2**36 - 1 - frames % 2,
            **features,
        }
        yield _batch(columns, OBSERVATIONS.schema)


def _presses(samples: pa.Table) -> pa.Table:
    """The presses that the samples carry, one of each label that is not 0."""
    rows: list[dict[str, Any]] = []
    for sample in samples.to_pylist():
        for label in ("action", "adjust"):
            if sample[label]:
                rows.append(
                    {
                        **{field.name: None for field in RAW_WS_EVENTS.schema},
                        "session_id": "s-1",
                        "seq": len(rows),
                        "received_at": _START,
                        "event": BUTTON,
                        "direction": "sent",
                        "episode_id": sample["episode_id"],
                        "is_context": False,
                        "source_file": "a.jsonl",
                        "source_position": len(rows),
                    }
                )
    return pa.Table.from_pylist(rows, RAW_WS_EVENTS.schema)


def _samples(day: date, games: Sequence[Game]) -> Iterator[pa.RecordBatch]:
    for game in games:
        frames = np.arange(game.decisions)
        last = frames == game.decisions - 1
        columns: dict[str, Any] = {
            "episode_id": [game.episode_id(day)] * game.decisions,
            "session_id": ["s-1"] * game.decisions,
            "frame": frames,
            "action": frames % 4,
            "adjust": frames % 13,
            "order_amount": [0.5 if frame % 4 == 1 else None for frame in frames.tolist()],
            "sell_fraction": [None] * game.decisions,
            "sequence_id": [None] * game.decisions,
            "trade_id": [None] * game.decisions,
            "reward": frames + game.number / 10,
            "done": last & game.rugs,
            "truncated": last & (not game.rugs),
            "tick_delta": [1] * game.decisions,
            "has_player": [game.has_player] * game.decisions,
        }
        yield _batch(columns, ALIGNED_SAMPLES.schema)


def _batch(columns: dict[str, Any], schema: pa.Schema) -> pa.RecordBatch:
    arrays = [pa.array(list(columns[field.name]), field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
