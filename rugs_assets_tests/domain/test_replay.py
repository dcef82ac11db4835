"""A recorded game, replayed event by event as a live agent sees it, gives the shard's rows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from rugs_assets.domain.features import FEATURE_NAMES
from rugs_assets.domain.live_games import LiveGames, LiveRow, replayed
from rugs_assets.domain.protocol import Malformed
from rugs_assets.domain.simulator import Format, Payload, Plan
from rugs_assets.lake.landing import Landing
from rugs_assets_tests.truth.played import EVERY_FAULT, KEY, Day, materialized, played


def game_rows(rows: list[LiveRow]) -> dict[str | None, list[bytes]]:
    """The observations of each game, by frame."""
    games: dict[str | None, list[bytes]] = {}
    for row in rows:
        found = games.setdefault(row.episode_id, [])
        assert row.frame == len(found)
        found.append(row.observation.tobytes())
    return games


def shard_rows(day: Day) -> dict[str, tuple[int, list[bytes]]]:
    """The steps of each game in the shards: the frame of the first one, and all observations."""
    features = np.stack([day.shards[name].to_numpy() for name in FEATURE_NAMES], axis=1)
    firsts: dict[str, int] = {}
    for row in day.samples.select(["episode_id", "frame"]).to_pylist():
        firsts.setdefault(str(row["episode_id"]), int(row["frame"]))
    games: dict[str, tuple[int, list[bytes]]] = {}
    for game, row in zip(day.shards["episode_id"].to_pylist(), features, strict=True):
        games.setdefault(str(game), (firsts[str(game)], []))[1].append(row.tobytes())
    return games


def assert_same(live: dict[str | None, list[bytes]], day: Day) -> int:
    """Every step of the shards is the live row of its frame; returns how many there are."""
    count = 0
    for game, (first, steps) in shard_rows(day).items():
        assert live[game][first : first + len(steps)] == steps, game
        count += len(steps)
    return count


def simulated(recorded: Format) -> Day:
    """A simulated date of two sessions that share games."""
    plan = Plan(
        seed=4,
        days=1,
        sessions=2,
        players=1,
        games_per_day=3,
        payload=Payload.LEAN,
        format=recorded,
        faults=EVERY_FAULT,
        policies=("random",),
    )
    (day,) = played(plan).days.values()
    return day


@pytest.mark.parametrize("recorded", [Format.RAW_JSONL, Format.EVENT_STORE])
def test_a_simulated_date_with_every_fault(recorded: Format) -> None:
    day = simulated(recorded)
    games, sessions = (day.episodes[name].to_pylist() for name in ("episode_id", "session_id"))
    chosen = dict(zip(games, sessions, strict=True))
    found = list(replayed(day.events.to_batches(max_chunksize=100)))
    # A game that both sessions saw comes once from each; the pipeline takes one of them.
    assert len({(session, row.episode_id) for session, row in found}) > len(chosen)
    live = [row for session, row in found if chosen.get(row.episode_id or "") == session]
    assert assert_same(game_rows(live), day) > 100
    assert day.samples["action"].to_numpy().any()


def test_the_lines_of_the_real_captures(captures_dir: Path, tmp_path: Path) -> None:
    """From the bytes of the files: nothing of the pipeline but the reading of one event."""
    folder = captures_dir / "raw_jsonl"
    inventory = Landing(folder, tmp_path / "cache", KEY).refresh()
    live: dict[str | None, list[bytes]] = {}
    for path in sorted(folder.glob("*.jsonl")):
        games, rows = LiveGames(), []
        for line in path.read_bytes().splitlines():
            try:
                row = games.update(json.loads(line))
            except (ValueError, Malformed):
                continue
            if row is not None:
                rows.append(row)
        live |= game_rows(rows)
    counts = [assert_same(live, materialized(inventory.select(day))) for day in inventory.days]
    assert sum(counts) > 100
