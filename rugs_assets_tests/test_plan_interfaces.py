"""The tests of the plan's Tasks 1 to 5, with only import lines and paths changed, and a few more.

Every test of the plan keeps its name and its assertions. Those that read Parquet run on the real
captures; where there are none, on a tiny event store that the simulator writes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rugs_assets.domain.episodes import Episode, EpisodeRules, EpisodeSegmenter, episodes_of
from rugs_assets.domain.event_files import files_matching
from rugs_assets.domain.features import FEATURE_COUNT, FEATURE_NAMES, Observation
from rugs_assets.domain.merging import merged
from rugs_assets.domain.observations import ObservationBuilder, observations_of
from rugs_assets.domain.protocol import Malformed
from rugs_assets.domain.samples import SamplePass
from rugs_assets.domain.shards import shards_of
from rugs_assets.domain.simulator import Format, Payload, Plan
from rugs_assets.lake.landing import Landing
from rugs_assets.lake.training import TrainingDataGenerator, TrainingDataset
from rugs_assets_tests.domain.simulated import simulated

WS = "doc_type=ws_event/**/*.parquet"
BUTTONS = "doc_type=button_event/**/*.parquet"


@pytest.fixture(scope="module")
def simulated_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An event store of three games with a player who presses buttons."""
    plan = Plan(
        seed=3,
        players=1,
        games_per_day=3,
        payload=Payload.LEAN,
        format=Format.EVENT_STORE,
        policies=("random",),
    )
    root = tmp_path_factory.mktemp("rugs_data")
    for path, table in simulated(plan).store.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, root / path)
    (store,) = {path.parent for path in root.rglob("doc_type=ws_event")}
    return store


@pytest.fixture(params=["real", "simulated"])
def store(request: pytest.FixtureRequest) -> Path:
    """A folder of the event store."""
    if request.param == "simulated":
        return Path(request.getfixturevalue("simulated_store"))
    return Path(request.getfixturevalue("captures_dir")) / "events_parquet"


class TestObservationSchema:
    """Task 1."""

    def test_feature_count_matches_spec(self) -> None:
        assert FEATURE_COUNT == 36
        assert len(FEATURE_NAMES) == 36

    def test_observation_to_numpy(self) -> None:
        obs = Observation(
            tick=100, price=2.5, game_phase=2, cooldown_timer_ms=0,
            allow_pre_round_buys=False, active=True, rugged=False,
            connected_players=200, game_id="test-game",
            balance=1.0, position_qty=0.1, avg_entry_price=2.0,
            cumulative_pnl=0.05, total_invested=0.2,
            rugpool_amount=5.0, rugpool_threshold=10.0, instarug_count=3,
            average_multiplier=3.5, count_2x=40, count_10x=5,
            count_50x=1, count_100x=0, highest_today=150.0,
            price_velocity=0.1, price_acceleration=0.01,
            unrealized_pnl=0.05, position_pnl_pct=0.25,
            rugpool_ratio=0.5, balance_at_risk_pct=0.09,
            time_in_position=50, ticks_since_last_action=10,
            bet_amount=0.01,
        )  # fmt: skip
        arr = obs.to_numpy()
        assert arr.shape == (36,)
        assert arr.dtype == np.float32

    def test_feature_names_order(self) -> None:
        assert FEATURE_NAMES[0] == "tick"
        assert FEATURE_NAMES[8] == "game_id"
        assert FEATURE_NAMES[35] == "latency_ms"


class TestEpisodeSegmenter:
    """Task 2."""

    def test_segments_by_game_id(self) -> None:
        segmenter = EpisodeSegmenter()
        events = [
            {"game_id": "game-1", "tick": 1, "event_name": "gameStateUpdate"},
            {"game_id": "game-1", "tick": 2, "event_name": "gameStateUpdate"},
            {"game_id": "game-2", "tick": 1, "event_name": "gameStateUpdate"},
        ]
        episodes = segmenter.segment(events)
        assert len(episodes) == 2
        assert episodes[0].game_id == "game-1"
        assert len(episodes[0].events) == 2

    def test_detects_terminal_state(self) -> None:
        segmenter = EpisodeSegmenter()
        events = [
            {"game_id": "game-1", "tick": 1, "rugged": False},
            {"game_id": "game-1", "tick": 2, "rugged": True},
        ]
        episodes = segmenter.segment(events)
        assert episodes[0].is_terminal
        assert episodes[0].terminal_tick == 2

    def test_filters_short_episodes(self) -> None:
        segmenter = EpisodeSegmenter(min_ticks=50)
        events = [{"game_id": "game-1", "tick": i} for i in range(10)]
        episodes = segmenter.segment(events)
        assert len(episodes) == 0

    def test_from_parquet(self, store: Path) -> None:
        segmenter = EpisodeSegmenter()
        episodes = segmenter.from_parquet(str(store / WS), limit=1000)
        assert len(episodes) > 0


class TestObservationBuilder:
    """Task 3."""

    def test_builds_from_game_state_update(self) -> None:
        builder = ObservationBuilder()
        event = {
            "event_name": "gameStateUpdate",
            "data": {
                "tickCount": 100, "price": 2.5, "active": True,
                "rugged": False, "connectedPlayers": 200,
                "cooldownTimer": 0, "allowPreRoundBuys": False,
                "rugpool": {"rugpoolAmount": 5.0, "threshold": 10.0, "instarugCount": 3},
                "averageMultiplier": 3.5, "count2x": 40, "count10x": 5,
                "count50x": 1, "count100x": 0, "highestToday": 150.0,
                "gameId": "test-game",
            },
        }  # fmt: skip
        builder.update(event)
        obs = builder.build()
        assert obs.tick == 100
        assert obs.price == 2.5
        assert obs.rugpool_ratio == 0.5

    def test_computes_derived_features(self) -> None:
        builder = ObservationBuilder()
        for i, price in enumerate([1.0, 1.5, 2.5]):
            builder.update({"data": {"tickCount": i, "price": price}})
        obs = builder.build()
        assert obs.price_velocity > 0
        assert obs.price_acceleration > 0

    def test_updates_from_player_update(self) -> None:
        builder = ObservationBuilder()
        builder.update(
            {
                "event_name": "playerUpdate",
                "data": {
                    "cash": 1.5,
                    "positionQty": 0.1,
                    "avgCost": 2.0,
                    "cumulativePnL": 0.05,
                    "totalInvested": 0.2,
                },
            }
        )
        obs = builder.build()
        assert obs.balance == 1.5
        assert obs.position_qty == 0.1

    def test_to_numpy_shape(self) -> None:
        builder = ObservationBuilder()
        builder.update({"data": {"tickCount": 1, "price": 1.0}})
        arr = builder.to_numpy()
        assert arr.shape == (FEATURE_COUNT,)
        assert arr.dtype == np.float32


class TestTrainingDataGenerator:
    """Task 4."""

    def test_generates_observation_action_pairs(self, store: Path) -> None:
        generator = TrainingDataGenerator()
        dataset = generator.from_parquet(
            ws_events_path=str(store / WS),
            button_events_path=str(store / BUTTONS),
            limit=1000,
        )
        assert len(dataset) > 0
        obs, _action, _reward, next_obs, _done = dataset[0]
        assert obs.shape == (FEATURE_COUNT,)
        assert next_obs.shape == (FEATURE_COUNT,)

    def test_aligns_actions_with_observations(self) -> None:
        generator = TrainingDataGenerator()
        ws_events = [
            {"game_id": "g1", "tick": 100, "price": 2.0},
            {"game_id": "g1", "tick": 101, "price": 2.1},
        ]
        button_events = [
            {"game_id": "g1", "tick": 100, "button_id": "BUY"},
        ]
        samples = generator.align_events(ws_events, button_events)
        assert len(samples) == 1
        assert samples[0]["action"] == "BUY"
        assert samples[0]["tick"] == 100

    def test_handles_terminal_states(self) -> None:
        generator = TrainingDataGenerator()
        ws_events = [
            {"game_id": "g1", "tick": 100, "rugged": False},
            {"game_id": "g1", "tick": 101, "rugged": True},
        ]
        samples = generator.process_episode(ws_events)
        assert samples[-1]["done"] == True  # noqa: E712 # as the plan has it

    def test_batch_generation(self, store: Path) -> None:
        generator = TrainingDataGenerator()
        dataset = generator.from_parquet(str(store / WS), str(store / BUTTONS))
        batch = generator.get_batch(dataset, batch_size=32)
        assert batch["observations"].shape == (32, FEATURE_COUNT)
        assert batch["actions"].shape == (32,)
        assert batch["rewards"].shape == (32,)
        assert batch["next_observations"].shape == (32, FEATURE_COUNT)
        assert batch["dones"].shape == (32,)


class TestTrainingIntegration:
    """Task 5."""

    def test_full_pipeline_with_real_data(self, store: Path) -> None:
        generator = TrainingDataGenerator()
        dataset = generator.from_parquet(
            ws_events_path=str(store / WS), button_events_path=str(store / BUTTONS)
        )
        assert len(dataset) > 0, "No training samples generated"
        obs, action, reward, next_obs, done = dataset[0]
        assert obs.shape == (FEATURE_COUNT,), f"Expected {FEATURE_COUNT} features, got {obs.shape}"
        assert not np.isnan(obs).any(), "NaN values in observation"
        assert not np.isnan(next_obs).any(), "NaN values in next_observation"
        report = f"{obs.min():.4f} {obs.max():.4f} {action} {reward:.4f} {done}"
        assert report.endswith(" 0 0.0000 False")

    def test_batch_shapes_correct(self, store: Path) -> None:
        generator = TrainingDataGenerator()
        dataset = generator.from_parquet(str(store / WS), str(store / BUTTONS))
        batch_size = min(32, len(dataset))
        batch = generator.get_batch(dataset, batch_size=batch_size)
        assert batch["observations"].shape == (batch_size, FEATURE_COUNT)
        assert batch["actions"].shape == (batch_size,)
        assert batch["rewards"].shape == (batch_size,)
        assert batch["next_observations"].shape == (batch_size, FEATURE_COUNT)
        assert batch["dones"].shape == (batch_size,)


# ---- beyond the plan: the faces show what the pipeline makes, and nothing else -------------------


def test_a_dataset_is_what_the_assets_would_store(store: Path, tmp_path: Path) -> None:
    """The same steps, bit for bit, as by landing folder, stages and the shards of a date."""
    inventory = Landing(store, tmp_path, b"k" * 32).refresh()
    (day,) = inventory.days
    events = list(inventory.select(day).events())
    rules = EpisodeRules(admit_incomplete=True)
    games = episodes_of(events, rules)
    rows = list(observations_of(events, games))
    made = SamplePass(rows, events, games).samples()
    stored = TrainingDataset.of_shards(shards_of(rows, made, games))
    found = TrainingDataGenerator().from_parquet(str(store / WS), str(store / BUTTONS))
    assert len(found) == len(stored) > 100
    assert found.identity == stored.identity
    (one,), (other,) = (dataset.batches(len(stored)) for dataset in (found, stored))
    for name, values in one.items():
        assert values.tobytes() == other[name].tobytes()
    assert found.rejected == 0


def test_presses_of_the_store_become_actions(simulated_store: Path) -> None:
    generator = TrainingDataGenerator()
    played = generator.from_parquet(str(simulated_store / WS), str(simulated_store / BUTTONS))
    watched = generator.from_parquet(str(simulated_store / WS))
    assert {action for _, action, *_ in played} > {0}
    assert {action for _, action, *_ in watched} == {0}
    assert len(played) == len(watched)


def test_a_dataset_gives_each_decision_with_the_row_it_led_to(simulated_store: Path) -> None:
    dataset = TrainingDataGenerator().from_parquet(str(simulated_store / WS))
    transitions = [dataset[index] for index in range(len(dataset))]
    assert sum(done for *_, done in transitions) == 3
    for index, (_, _, _, next_obs, done) in enumerate(transitions[:-1]):
        follows = np.array_equal(next_obs, transitions[index + 1][0])
        assert follows != done
    assert next(iter(dataset))[1:3] == (0, 0.0)
    with pytest.raises(IndexError):
        dataset[len(dataset)]
    assert dataset[-1][4]


def test_batches_are_drawn_by_the_seed(simulated_store: Path) -> None:
    first, second, other = (TrainingDataGenerator(seed=seed) for seed in (1, 1, 2))
    dataset = first.from_parquet(str(simulated_store / WS))
    one, same, another = (g.get_batch(dataset, 16)["observations"] for g in (first, second, other))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, another)
    every = first.get_batch(dataset, len(dataset))["observations"]
    assert len(np.unique(every, axis=0)) == len(np.unique([row for row, *_ in dataset], axis=0))
    assert first.get_batch(dataset, 3 * len(dataset))["dones"].shape == (3 * len(dataset),)


def test_nothing_to_draw_from_is_said() -> None:
    empty = TrainingDataset.of_shards([])
    assert len(empty) == 0
    with pytest.raises(ValueError, match="no decision"):
        TrainingDataGenerator().get_batch(empty, 1)


def test_a_pattern_that_matches_no_events_is_an_error_that_names_it(tmp_path: Path) -> None:
    pattern = str(tmp_path / "nothing" / "**" / "*.parquet")
    for read in (EpisodeSegmenter().from_parquet, TrainingDataGenerator().from_parquet):
        with pytest.raises(FileNotFoundError, match="nothing"):
            read(pattern)


def test_a_pattern_that_matches_no_presses_means_none(simulated_store: Path) -> None:
    pattern = str(simulated_store / "doc_type=no_such/**/*.parquet")
    dataset = TrainingDataGenerator().from_parquet(str(simulated_store / WS), pattern)
    assert {action for _, action, *_ in dataset} == {0}


def test_a_file_that_is_no_event_store_is_named(tmp_path: Path) -> None:
    pq.write_table(pa.table({"price": [1.0]}), tmp_path / "other.parquet")
    with pytest.raises(
        ValueError, match=r"other\.parquet is no file of the event store: no column"
    ):
        EpisodeSegmenter().from_parquet(str(tmp_path / "*.parquet"))


def test_patterns_know_the_home_folder(
    simulated_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(simulated_store.parent))
    at_home = f"~/{simulated_store.name}"
    below = files_matching(f"{at_home}/doc_type=ws_event")
    assert files_matching(f"{at_home}/{WS}") == below == files_matching(simulated_store / WS)
    assert below == sorted(below)
    assert files_matching(below[0]) == below[:1]
    assert EpisodeSegmenter().from_parquet(f"{at_home}/{WS}", limit=400)


@pytest.mark.parametrize("limit", [1, 150, 450])
def test_the_limit_counts_rows_in_the_order_of_the_files(captures_dir: Path, limit: int) -> None:
    pattern = str(captures_dir / "events_parquet" / WS)
    generator = TrainingDataGenerator()
    some, more = (generator.from_parquet(pattern, limit=some) for some in (limit, 10**6))
    assert len(some) < len(more)
    rows, all_rows = some.steps.observations, more.steps.observations
    assert rows[:-1].tobytes() == all_rows[: max(len(rows) - 1, 0)].tobytes()


def test_episodes_of_files_can_be_given_on(store: Path) -> None:
    """Their events are what the builder and the generator take; the rows come out the same."""
    found = EpisodeSegmenter(admit_incomplete=False).from_parquet(str(store / WS))
    episode = min(found, key=lambda episode: len(episode.events))
    decisions = TrainingDataGenerator().process_episode(episode)
    assert {row["game_id"] for row in decisions} == {episode.game_id}
    assert decisions[-1]["done"]
    builder = ObservationBuilder()
    rows = [builder.to_numpy() for event in episode.events if builder.update(event)]
    assert rows[-1][FEATURE_NAMES.index("tick")] == episode.terminal_tick
    first = len(rows) - 1 - len(decisions)
    for row, decision in zip(rows[first:], decisions, strict=False):
        assert row.tobytes() == decision["observation"].tobytes()


def test_an_event_without_a_game_belongs_to_the_current_one() -> None:
    events: list[dict[str, Any]] = [
        {"event": "usernameStatus", "data": {"id": "me"}},
        {"game_id": "a", "tick": 0},
        {"event": "playerUpdate", "data": {"cash": 1.0}},
        {"game_id": "b", "tick": 0},
        {"event": "chatMessage", "data": {"message": "to the moon"}},
        {"game_id": "a", "tick": 5, "rugged": True},
    ]
    found = EpisodeSegmenter().segment(events)
    assert [(e.game_id, e.is_terminal) for e in found] == [("a", True), ("b", False)]
    assert found[0].events == (events[0], events[1], events[2], events[5])
    assert found[1].events == (events[3], events[4])


def test_of_two_sessions_the_better_view_is_taken() -> None:
    here = [{"session_id": "s1", "game_id": "a", "tick": tick} for tick in range(3)]
    there = [{"session_id": "s2", "game_id": "a", "tick": tick} for tick in range(5)]
    (episode,) = EpisodeSegmenter().segment([*here, *there])
    assert (episode.session_id, len(episode.events), episode.last_tick) == ("s2", 5, 4)


def test_an_event_that_is_none_is_shown() -> None:
    events: list[dict[str, Any]] = [{"game_id": "a", "tick": 1}, {"game_id": "a", "tick": "soon"}]
    with pytest.raises(Malformed, match="soon"):
        EpisodeSegmenter().segment(events)
    with pytest.raises(Malformed, match="event 1"):
        ObservationBuilder().update(events[1])


@pytest.mark.parametrize(
    "event",
    [
        {"game_id": "g", "tick": 3, "price": 2.5},
        {"game_id": "g", "tick": np.int64(3), "price": "2.5", "cash": float("nan")},
        {"event": "gameStateUpdate", "data": [{"__trace": True}, {"gameId": "g", "tickCount": 3,
         "price": 2.5, "active": True}]},
        {"event_name": "gameStateUpdate", "doc_type": "ws_event", "raw_json": json.dumps(
            {"event": "gameStateUpdate",
             "data": {"gameId": "g", "tickCount": 3, "price": 2.5, "active": True}})},
    ],
    ids=["bare", "columns of the store", "pair", "raw_json"],
)  # fmt: skip
def test_every_shape_of_an_event_is_read_alike(event: dict[str, Any]) -> None:
    builder = ObservationBuilder()
    assert builder.update(event)
    observation = builder.build()
    assert (observation.tick, observation.price, observation.game_phase) == (3, 2.5, 2)
    (episode,) = EpisodeSegmenter().segment([event])
    assert episode.first_tick == 3


def test_a_bare_frame_that_tells_its_phase_is_believed() -> None:
    builder = ObservationBuilder()
    builder.update({"game_id": "g", "tick": 0, "price": 1.0, "allow_pre_round_buys": True})
    assert builder.build().game_phase == 1
    builder.update({"game_id": "g", "tick": 7, "price": 0.01, "rugged": True})
    assert builder.build().game_phase == 3


def test_raw_records_of_presses_are_presses() -> None:
    record = {"button_id": "SELL", "game_id": "g", "tick": 1, "game_phase": 2}
    press = {"doc_type": "button_event", "raw_json": json.dumps(record), "player_id": "me"}
    frames = [{"game_id": "g", "tick": tick, "price": 1.0} for tick in range(3)]
    (sample,) = TrainingDataGenerator().align_events(frames, [press])
    assert (sample["action"], sample["tick"]) == ("SELL", 1)
    with pytest.raises(Malformed):
        ObservationBuilder().update({"raw_json": "{"})


def test_aligned_presses_carry_their_labels_and_rows() -> None:
    frames = [{"game_id": "g", "tick": tick, "price": 1.0 + tick} for tick in range(4)]
    presses = [
        {"game_id": "g", "tick": 1, "button_id": "INC_01"},
        {"game_id": "g", "tick": 2, "button_id": "BUY", "bet_amount": 0.25},
    ]
    first, second = TrainingDataGenerator().align_events(frames, presses)
    assert (first["action"], first["adjust"]) == ("WAIT", "INC_01")
    assert (second["action"], second["adjust"], second["order_amount"]) == ("BUY", None, 0.25)
    assert second["observation"][:2].tolist() == [2.0, 3.0]
    assert second["next_observation"][:2].tolist() == [3.0, 4.0]
    assert second["truncated"]


FRAMES = [{"game_id": "a", "tick": 1}, {"game_id": "a", "tick": 3}, {"game_id": "b", "tick": 0}]


@pytest.mark.parametrize(
    ("press", "at"),
    [
        ({"game_id": "a", "tick": 1}, 1),
        ({"game_id": "a", "tick": 2}, 1),
        ({"game_id": "a", "tick": 9}, 2),
        ({"game_id": "a"}, 2),
        ({"game_id": "a", "tick": 0}, 3),
        ({"game_id": "c", "tick": 0}, 3),
    ],
)
def test_a_press_without_a_stamp_comes_behind_its_tick(press: dict[str, Any], at: int) -> None:
    found = merged(FRAMES, [press | {"button_id": "BUY"}])
    assert [event.get("button_id") for event in found].index("BUY") == at


def test_a_press_with_a_stamp_comes_at_its_time_and_presses_keep_their_order() -> None:
    frames = [{**frame, "ts": f"2025-12-15T00:00:0{at}"} for at, frame in enumerate(FRAMES)]
    presses = [{"ts": "2025-12-15T00:00:01.5", "button_id": name} for name in ("INC_01", "BUY")]
    found = merged(frames, [*presses, {"ts": "2025-12-15T00:00:09", "button_id": "SELL"}])
    assert [event.get("button_id") for event in found] == [
        None,
        None,
        "INC_01",
        "BUY",
        None,
        "SELL",
    ]


def test_the_face_is_found_beside_the_stage() -> None:
    assert Episode.__module__ == EpisodeSegmenter.__module__ == "rugs_assets.domain.segmenter"
    import rugs_assets.domain.episodes as stage

    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = stage.nothing
