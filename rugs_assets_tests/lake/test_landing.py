"""The landing: which dates the captures hold, and what each date's partition is made of."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa

from rugs_assets.domain.episodes import episodes_of
from rugs_assets.domain.events import RAW_WS_EVENTS, REJECTED_INPUT
from rugs_assets.lake.landing import Inventory, Landing
from rugs_assets_tests.captures_builders import (
    DAY,
    DAY_AFTER,
    GAME_A,
    GAME_B,
    KEY,
    ME,
    NEXT_DAY,
    NOON,
    Record,
    active,
    at,
    column,
    cooldown,
    epoch_ms,
    event,
    events_of,
    frame,
    game_history,
    landed,
    own_events,
    player,
    pressed,
    rejected_of,
    rug,
    stored,
    tick,
    write_jsonl,
    write_store,
)

DAY_BEFORE = date(2025, 12, 14)


def context_of(inventory: Inventory, day: date = DAY) -> list[Record]:
    return [row for row in events_of(inventory, day) if row["is_context"]]


def test_batches_have_the_declared_schemas(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in", active(1, 0), "# prose")
    found = landed(tmp_path / "in").select(DAY)
    assert [batch.schema for batch in found.events()] == [RAW_WS_EVENTS]
    assert [batch.schema for batch in found.rejected()] == [REJECTED_INPUT]


def test_a_date_with_nothing_in_it_is_empty(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in", active(1, 0))
    found = landed(tmp_path / "in").select(DAY_AFTER)
    assert (list(found.events()), list(found.rejected())) == ([], [])
    assert (found.tally()["kept"], found.tally()["sessions"]) == (0, 0)


def test_an_event_without_a_game_belongs_to_the_one_that_is_current(tmp_path: Path) -> None:
    write_jsonl(
        tmp_path / "in",
        *(player(1, 1.0), active(2, 0), player(3, 2.0), cooldown(4, GAME_B), player(5, 3)),
    )
    rows = own_events(landed(tmp_path / "in"))
    assert column(rows, "episode_id") == [GAME_A, GAME_A, GAME_A, GAME_B, GAME_B]


def test_a_frame_that_names_no_game_before_any_is_known_is_ignored_by_name(tmp_path: Path) -> None:
    nameless = event(1, "gameStateUpdate", {"cooldownTimer": 100})
    write_jsonl(tmp_path / "in", nameless, active(2, 0))
    inventory = landed(tmp_path / "in")
    assert column(own_events(inventory), "seq") == [2]
    assert inventory.select(DAY).tally()["ignored_by_name"] == {"gameStateUpdate": 1}


def test_a_date_holds_as_context_the_last_state_before_it(tmp_path: Path) -> None:
    write_jsonl(
        tmp_path / "in",
        *(player(1, 1.0), active(2, 0, connectedPlayers=100, highestToday=50), player(3, 2.5)),
        *(active(4, 1, connectedPlayers=110), rug(5, 2), event(6, "ping")),
        *(cooldown(7, NEXT_DAY), active(8, 0, NEXT_DAY)),
    )
    inventory = landed(tmp_path / "in")
    assert column(context_of(inventory), "seq") == [7]  # it may still settle the date's last game
    context = context_of(inventory, DAY_AFTER)
    assert column(context, "seq") == [2, 3, 4]
    assert column(context, "balance") == [None, 2.5, None]
    assert column(context, "episode_id") == [GAME_A] * 3
    assert column(own_events(inventory, DAY_AFTER), "seq") == [7, 8]


def test_the_own_player_is_part_of_the_context(tmp_path: Path) -> None:
    write_jsonl(
        tmp_path / "in",
        event(1, "usernameStatus", {"id": ME}),
        active(2, 0),
        active(3, 0, NEXT_DAY, leaderboard=[{"id": ME, "positionQty": 2}]),
    )
    rows = events_of(landed(tmp_path / "in"), DAY_AFTER)
    assert column(rows, "is_context") == [True, True, False]
    assert rows[0]["player_id"] == rows[2]["player_id"] is not None


def test_frames_that_interleave_at_midnight_lie_in_the_dates_of_their_games(tmp_path: Path) -> None:
    write_jsonl(
        tmp_path / "in",
        *(active(1, 0), rug(2, 1), cooldown(3, NEXT_DAY, 15_000, connectedPlayers=7)),
        *(rug(4, 3, connectedPlayers=8), player(5, 1.0), cooldown(6, NEXT_DAY, 9_900)),
        *(player(7, 2.0), active(8, 0, NEXT_DAY)),
    )
    inventory = landed(tmp_path / "in")
    assert column(own_events(inventory), "seq") == [1, 2, 4]
    # What settles the game may follow until the next one opens.
    assert column(context_of(inventory), "seq") == [3, 5]
    assert column(own_events(inventory, DAY_AFTER), "seq") == [3, 5, 6, 7, 8]
    # The game that goes on after midnight had begun before.
    assert column(context_of(inventory, DAY_AFTER), "seq") == [1, 4]


def test_a_session_that_returns_to_an_earlier_date_keeps_both_whole(tmp_path: Path) -> None:
    write_jsonl(
        tmp_path / "in", active(1, 0), active(2, 0, NEXT_DAY), active(3, 1), active(4, 1, NEXT_DAY)
    )
    inventory = landed(tmp_path / "in")
    assert column(own_events(inventory), "seq") == [1, 3]
    assert column(own_events(inventory, DAY_AFTER), "seq") == [2, 4]


def test_a_seed_that_a_later_date_of_the_session_reveals_is_context(tmp_path: Path) -> None:
    history = [game_history(GAME_A, epoch_ms(1))]
    write_jsonl(
        tmp_path / "in",
        *(active(1, 0), rug(2, 1)),
        *(cooldown(3, NEXT_DAY, 9_000), active(4, 0, NEXT_DAY, gameHistory=history)),
        active(5, 1, NEXT_DAY),
    )
    inventory = landed(tmp_path / "in")
    assert column(context_of(inventory), "seq") == [4]
    (game,) = episodes_of(inventory.select(DAY).events()).to_pylist()
    assert game["server_seed"] == "ab" * 32


def test_a_seed_that_another_capture_reveals_is_context(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in", active(1, 0), rug(2, 1), name="a.jsonl")
    history = [game_history(GAME_A, epoch_ms(1))]
    write_jsonl(tmp_path / "in", active(1, 0, NEXT_DAY, gameHistory=history), name="b.jsonl")
    write_jsonl(tmp_path / "in", active(1, 0, NEXT_DAY, gameHistory=history), name="c.jsonl")
    inventory = landed(tmp_path / "in")
    assert column(context_of(inventory), "session_id") == ["b"]
    (game,) = episodes_of(inventory.select(DAY).events()).to_pylist()
    assert (game["server_seed"], game["session_id"]) == ("ab" * 32, "a")
    assert set(inventory.select(DAY).tally()["clocks"]) == {"a"}


def test_a_recorders_truncated_seed_is_none(tmp_path: Path) -> None:
    complete = {
        "type": "game_complete",
        "timestamp": at(2),
        "game_id": GAME_A,
        "server_seed": "0169a2a1090cb0daca81",
    }
    write_jsonl(tmp_path / "in", tick(0, 0), tick(1, 1, rugged=True), complete)
    (game,) = episodes_of(landed(tmp_path / "in").select(DAY).events()).to_pylist()
    assert (game["server_seed"], game["fairness"]) == (None, "seed_unknown")


def test_a_session_without_frames_lies_in_the_date_of_its_clock(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in", player(1, 1.0, ts="2025-12-14T23:30:00-05:00"))
    inventory = landed(tmp_path / "in")
    assert inventory.days == (DAY,)
    assert column(own_events(inventory), "episode_id") == [None]


def test_a_session_of_presses_alone_lies_in_the_dates_that_they_name(tmp_path: Path) -> None:
    rows = [pressed(1), {**stored(player(2, 1.0))}, pressed(3, game_id=NEXT_DAY)]
    write_store(tmp_path / "in", rows)
    inventory = landed(tmp_path / "in")
    assert inventory.days == (DAY, DAY_AFTER)
    assert column(own_events(inventory), "seq") == [1, 2]
    assert column(own_events(inventory, DAY_AFTER), "seq") == [3]


def test_rejects_lie_in_the_date_of_the_events_beside_them(tmp_path: Path) -> None:
    write_jsonl(
        tmp_path / "in", "# before", active(1, 0), "# a", active(2, 0, NEXT_DAY), "# b", "# c"
    )
    inventory = landed(tmp_path / "in")
    assert column(rejected_of(inventory), "raw_text") == ["# before", "# a"]
    assert column(rejected_of(inventory, DAY_AFTER), "raw_text") == ["# b", "# c"]
    assert inventory.select(DAY).tally()["rejected"] == 2


def test_input_that_names_no_date_at_all_lies_in_the_default(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in", {**active(1, 0), "ts": "when?"})
    landing = Landing(tmp_path / "in", tmp_path / "cache", KEY, default_day=DAY_BEFORE)
    inventory = landing.refresh()
    assert inventory.days == (DAY_BEFORE,)
    assert column(rejected_of(inventory, DAY_BEFORE), "reason") == ["no readable time stamp"]


def test_sessions_stand_one_after_the_other_each_in_order(tmp_path: Path) -> None:
    for name in ("b", "a"):
        write_jsonl(tmp_path / "in", active(1, 0), active(2, 1), name=f"{name}.jsonl")
    rows = own_events(landed(tmp_path / "in"))
    assert [(row["session_id"], row["seq"]) for row in rows] == [
        ("a", 1),
        ("a", 2),
        ("b", 1),
        ("b", 2),
    ]


def test_rows_of_the_store_come_in_order_whatever_the_files(tmp_path: Path) -> None:
    folder = "doc_type={}/date=2025-12-15/{}.parquet"
    frames = [stored(active(seq, seq)) for seq in (5, 1, 9)]
    write_store(tmp_path / "in", frames, name=folder.format("ws_event", "b"))
    late = [stored(active(seq, seq)) for seq in (7, 3)]
    write_store(tmp_path / "in", late, name=folder.format("ws_event", "a"))
    presses = [pressed(seq) for seq in (8, 2)]
    write_store(tmp_path / "in", presses, name=folder.format("button_event", "a"))
    rows = own_events(landed(tmp_path / "in"))
    assert column(rows, "seq") == [1, 2, 3, 5, 7, 8, 9]
    assert column(rows, "event")[1] == "button_event"


def test_sessions_that_interleave_in_a_file_come_apart(tmp_path: Path) -> None:
    rows = [stored(active(seq, seq), session) for seq in range(1, 5) for session in ("x", "y")]
    write_store(tmp_path / "in", rows)
    found = own_events(landed(tmp_path / "in"))
    assert [(row["session_id"], row["seq"]) for row in found] == [
        (session, seq) for session in ("x", "y") for seq in range(1, 5)
    ]


def test_rows_repeated_in_another_file_are_one_event(tmp_path: Path) -> None:
    rows = [stored(active(seq, seq)) for seq in range(1, 5)]
    for number, part in enumerate((rows, rows[2:])):
        name = f"doc_type=ws_event/date=2025-12-1{number + 5}/part.parquet"
        write_store(tmp_path / "in", part, name=name)
    inventory = landed(tmp_path / "in")
    assert column(own_events(inventory), "seq") == [1, 2, 3, 4]
    assert inventory.select(DAY).tally()["used"] == 4


def test_a_second_recording_in_the_same_file_is_read_on(tmp_path: Path) -> None:
    write_jsonl(
        tmp_path / "in", active(1, 0), active(2, 1), active(1, 2, ts=at(9)), active(2, 3, ts=at(10))
    )
    rows = own_events(landed(tmp_path / "in"))
    assert (column(rows, "tick"), column(rows, "seq")) == ([0, 1, 2, 3], [1, 2, 3, 4])


def test_lines_repeated_in_a_file_are_counted_once(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in", active(1, 0), active(2, 1), active(1, 0), active(3, 2))
    write_jsonl(tmp_path / "in", tick(0, 5), tick(0, 5), tick(0.25, 6), name="ticks.jsonl")
    inventory = landed(tmp_path / "in")
    assert column(own_events(inventory), "tick") == [0, 1, 2, 5, 6]
    assert [(file.events, file.duplicates, file.lost) for file in inventory.files] == [
        (3, 1, 0),
        (2, 1, 0),
    ]


def test_the_offset_of_a_session_holds_for_all_its_dates(tmp_path: Path) -> None:
    midnight = NOON + timedelta(hours=12)
    local = midnight - timedelta(hours=5)
    history = [game_history(GAME_A, epoch_ms(-16, midnight))]
    write_jsonl(
        tmp_path / "in",
        active(1, 0, ts=at(-60, local)),
        frame(2, NEXT_DAY, ts=at(0, local), cooldownTimer=14_000, gameHistory=history),
    )
    inventory = landed(tmp_path / "in")
    before = midnight - timedelta(minutes=1)
    assert column(own_events(inventory), "received_at") == [before]
    assert column(own_events(inventory, DAY_AFTER), "received_at") == [midnight]


def test_the_counts_of_a_date_add_up_by_name(tmp_path: Path) -> None:
    write_jsonl(
        tmp_path / "in", active(1, 0), event(2, "ping"), player(3, 1.0), event(4, "ping"), "# no"
    )
    tally = landed(tmp_path / "in").select(DAY).tally()
    assert tally["used_by_name"] == {"gameStateUpdate": 1, "playerUpdate": 1}
    assert tally["ignored_by_name"] == {"ping": 2}
    assert (tally["kept"], tally["used"], tally["ignored"], tally["rejected"]) == (4, 2, 2, 1)


def test_the_digest_of_a_date_changes_with_its_input_and_only_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "in"

    def digest(day: date) -> str:
        return landed(folder).select(day).input_digest

    write_jsonl(folder, active(1, 0), name="a.jsonl")
    write_jsonl(folder, active(1, 0, NEXT_DAY), name="b.jsonl")
    before, other = digest(DAY), digest(DAY_AFTER)
    assert before == digest(DAY) != other
    write_jsonl(folder, active(1, 0), "# more", name="a.jsonl")
    assert (digest(DAY) != before, digest(DAY_AFTER)) == (True, other)


def test_a_file_of_rejects_alone_is_part_of_its_dates_digest(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write_jsonl(folder, active(1, 0))
    bad = {**active(1, 0), "ts": "when?"}
    write_jsonl(folder, bad, name="bad.jsonl")
    landing = Landing(folder, tmp_path / "cache", KEY, default_day=DAY)
    before = landing.refresh().select(DAY).input_digest
    write_jsonl(folder, bad, bad, name="bad.jsonl")
    assert landing.refresh().select(DAY).input_digest != before


def test_a_partition_can_be_read_again_and_again(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in", active(1, 0), active(2, 1))
    found = landed(tmp_path / "in").select(DAY)
    first = pa.Table.from_batches(list(found.events()))
    assert first == pa.Table.from_batches(list(found.events()))
