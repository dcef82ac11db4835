"""The truth beside a simulation says what is in its files, with and without faults."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rugs_assets.domain.simulator import FAULTS, POLICIES, Faults, Format, Payload, Plan
from rugs_assets.domain.simulator.buttons import ACTIONS, BUTTONS
from rugs_assets.domain.simulator.games import DAY, moment
from rugs_assets.domain.simulator.wire import DAMAGES, LOST
from rugs_assets_tests.domain.simulated import Json, Simulated, payload_of, simulated

START = re.compile(r'\{"(?:seq|timestamp)": [^,]*, "(?:ts|event_type)"')
BAD = Faults(
    dropped=0.02,
    repeated=0.01,
    duplicated=0.01,
    late=0.02,
    bursts=0.004,
    trace_only=0.1,
    broken=0.02,
    clumsy=0.01,
    reconnects=0.4,
    naive_clock=True,
    old_envelope=True,
    cut_sessions=True,
    overlap=True,
    midnight=True,
)


@pytest.fixture(scope="module")
def bad() -> Simulated:
    return simulated(
        Plan(
            seed=5,
            days=2,
            sessions=3,
            players=2,
            games_per_day=9,
            payload=Payload.LEAN,
            faults=BAD,
            policies=("random", "momentum"),
        )
    )


def good_plan(seed: int, form: Format = Format.RAW_JSONL) -> Plan:
    return Plan(
        seed=seed,
        players=1,
        games_per_day=3,
        payload=Payload.LEAN,
        format=form,
        policies=("random",),
    )


def records(text: str, truth: list[Json]) -> Iterator[tuple[Json, Json | None]]:
    """Each row of `lines` truth of a file with the record it is about, None where there is none."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    decoder, at, before = json.JSONDecoder(), 0, 0
    for row in truth:
        position = row["position"]
        at = starts[position - 1] if position != before else at
        before = position
        rest = text[at : starts[position]] if row["kind"] != "pretty" else text[at:]
        if row["is_broken"]:
            with pytest.raises(json.JSONDecodeError):
                decoder.raw_decode(rest)
            following = START.search(text, at + 1)
            at = following.start() if following else len(text)
            yield row, None
        else:
            record, length = decoder.raw_decode(rest)
            at += length
            yield row, record


def of_session(bad: Simulated, path: str) -> list[Json]:
    return [row for row in bad.truth("lines/") if row["file"] == path]


def test_every_line_is_what_the_truth_says(bad: Simulated) -> None:
    for path, data in bad.raw.items():
        rows = of_session(bad, path)
        last: Json | None = None
        for row, record in records(data.decode(), rows):
            if record is None:
                continue
            assert record.get("event", record.get("event_type")) == row["event"]
            assert record.get("seq", row["seq"]) == row["seq"]
            assert (record == last) == (row["kind"] == "duplicate")
            last = record
        whole = sum(row["kind"] == "good" for row in rows)
        assert whole > 0.9 * len(rows)


def test_every_fault_strikes_and_is_counted(bad: Simulated) -> None:
    for what in ("dropped", "repeated", "duplicate", "late", "trace_only", "stalls", "reconnects"):
        assert bad.counts[what] > 0, what
    kinds = Counter(row["kind"] for row in bad.truth("lines/"))
    for what in DAMAGES:
        assert bad.counts[what] == kinds[what] > 0, what
    assert bad.counts["duplicate"] == kinds["duplicate"]
    assert bad.counts["events"] == sum(kinds.values()) - kinds["duplicate"] - kinds["prose"]
    assert bad.counts["presses"] == len(bad.truth("presses/"))
    assert bad.counts["sessions"] == 6 == len(bad.raw)


def test_without_faults_nothing_is_wrong() -> None:
    clean = simulated(good_plan(1))
    faults = {*DAMAGES, "dropped", "repeated", "duplicate", "late", "trace_only", "reconnects"}
    assert not faults & set(clean.counts)
    assert clean.counts["stalls"] == 0
    assert {row["kind"] for row in clean.truth("lines/")} == {"good"}
    seqs = [line["seq"] for line in clean.lines(next(iter(clean.raw)))]
    pressed = [row["seq"] for row in clean.truth("presses/")]
    assert sorted([*seqs, *pressed]) == list(range(1, len(seqs) + len(pressed) + 1))


COUNTED_AS = {"duplicated": ("duplicate",), "bursts": ("stalls",), "broken": DAMAGES}
"""Names under which a fault is counted where they are not its own."""


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_alone_strikes_and_no_other_does(fault: str) -> None:
    plan = Plan(
        seed=6,
        days=2,
        sessions=3,
        players=1,
        games_per_day=3,
        payload=Payload.LEAN,
        faults=Faults(**{fault: getattr(BAD, fault)}),
        policies=("random",),
    )
    counts = simulated(plan).counts
    struck = {
        name for name in FAULTS if any(counts[counted] for counted in COUNTED_AS.get(name, (name,)))
    }
    assert struck == {fault}


def rows_by_the_book(events: list[Json]) -> list[int | None]:
    """design.md 2, from the payloads: the row each frame makes."""
    carried: dict[str, Json] = {}
    result: list[int | None] = []
    for payload in events:
        game = carried.setdefault(payload["gameId"], {"rows": 0, "ticks": set(), "highest": 0})
        late = payload.get("tickCount", game["highest"]) < game["highest"]
        if late or game.get("over"):
            result.append(None)
            continue
        game |= {
            name: payload[name]
            for name in ("tickCount", "active", "rugged", "allowPreRoundBuys")
            if name in payload
        }
        game["highest"] = game.get("tickCount", 0)
        if game.get("active") and not game.get("rugged"):
            if game["tickCount"] in game["ticks"]:
                result.append(None)
                continue
            game["ticks"].add(game["tickCount"])
        game["over"] = bool(game.get("rugged"))
        result.append(game["rows"])
        game["rows"] += 1
    return result


def test_rows_are_those_of_the_design(bad: Simulated) -> None:
    for path, data in bad.raw.items():
        lines = of_session(bad, path)
        kept = [
            payload_of(record)
            for row, record in records(data.decode(), lines)
            if record is not None
            and row["event"] == "gameStateUpdate"
            and row["kind"] != "duplicate"
        ]
        frames = [row for row in bad.truth("frames/") if row["session_id"] == path[:-6]]
        assert [row["game_id"] for row in frames] == [payload["gameId"] for payload in kept]
        assert [row["row"] for row in frames] == rows_by_the_book(kept)


@given(st.integers(0, 2**32))
@settings(max_examples=6, deadline=None)
def test_without_faults_every_useful_press_has_the_row_it_was_pressed_at(seed: int) -> None:
    clean = simulated(good_plan(seed))
    rows = {
        (row["game_id"], row["row"]): row
        for row in clean.truth("frames/")
        if row["row"] is not None
    }
    taken = set()
    for press in clean.truth("presses/"):
        if press["reason"] == "row_taken":
            assert press["button"] in ACTIONS
            continue
        # The rug may come while a bet is being built.
        if press["phase"] not in (1, 2):
            assert press["reason"] == "phase"
            continue
        assert press["reason"] is None
        frame = rows[press["game_id"], press["row"]]
        assert (frame["phase"], frame["tick"] or 0) == (press["phase"], press["row_tick"])
        assert press["row_tick"] == press["tick"]
        assert frame["received_us"] < press["pressed_us"]
        following = rows[press["game_id"], press["row"] + 1]
        assert press["pressed_us"] < following["received_us"]
        if press["button"] in ACTIONS:
            assert (press["game_id"], press["row"]) not in taken
            taken.add((press["game_id"], press["row"]))


@given(st.integers(0, 2**32))
@settings(max_examples=5, deadline=None)
def test_between_their_own_messages_players_are_told_their_exact_state(seed: int) -> None:
    clean = simulated(good_plan(seed))
    truth = {row["seq"]: row for row in clean.truth("frames/")}
    cash: int | None = None
    compared = 0
    for line in clean.lines(next(iter(clean.raw))):
        payload = payload_of(line)
        if line["event"] == "playerUpdate":
            cash, qty = round(payload["cash"] * 10**9), round(payload["positionQty"] * 10**9)
        elif line["event"] == "gameStateUpdate" and cash is not None:
            row = truth[line["seq"]]
            # At the rug the frame comes first and the word of its settlement after it.
            if row["phase"] != 3:
                assert (row["cash"], row["position_qty"]) == (cash, qty)
                compared += 1
    assert compared > 400


def test_presses_in_the_store_are_those_of_the_truth(bad: Simulated) -> None:
    stored = [row for table in bad.store.values() for row in table.to_pylist()]
    truth = {(row["session_id"], row["seq"]): row for row in bad.truth("presses/")}
    assert {row["doc_type"] for row in stored} == {"button_event"}
    assert {(row["session_id"], row["seq"]) for row in stored} == set(truth)
    assert {row["session_id"] for row in stored} <= {path[:-6] for path in bad.raw}
    outcomes: Counter[str] = Counter()
    for row in stored:
        true, record = truth[row["session_id"], row["seq"]], json.loads(row["raw_json"])
        outcomes[true["outcome"]] += 1
        assert record["button_id"] == row["button_id"] == true["button"]
        assert record["tick"] == true["tick"]
        assert record["game_id"] == true["game_id"]
        answered = true["outcome"] in ("executed", "refused")
        for name in ("server_ts", "client_timestamp", "latency_ms"):
            assert (record[name] is not None) == answered
        assert record["execution_tick"] == true["execution_tick"]
        assert record["trade_id"] == true["trade_id"]
        if answered:
            assert 0 < record["latency_ms"] < 5000
            assert record["latency_ms"] == record["server_ts"] - record["client_timestamp"]
    assert set(outcomes) >= {"executed", "refused", "none"}
    reasons = {row["reason"] for row in bad.truth("presses/")}
    assert reasons >= {None, "phase", "unknown_button", "row_taken"}


def test_presses_say_what_the_client_knew_of_its_position(bad: Simulated) -> None:
    """Ticks since the last press, and how long the position sold had been held."""
    last: dict[tuple[str, str], int] = {}
    held = waited = 0
    rows = [row for table in bad.store.values() for row in table.to_pylist()]
    for row in sorted(rows, key=lambda row: (row["session_id"], row["seq"])):
        record = json.loads(row["raw_json"])
        key = (row["session_id"], row["game_id"])
        since = record["ticks_since_last_action"]
        assert since == record["tick"] - last.get(key, 0)
        last[key] = record["tick"]
        waited += since > 0
        assert (record["balance"], record["position_qty"]) == (
            float(row["cash"]),
            float(row["position_qty"]),
        )
        if record["time_in_position"] is not None:
            assert 0 <= record["time_in_position"] <= record["execution_tick"]
            held += record["button_id"] == "SELL" and record["time_in_position"] > 0
    assert waited > 20
    assert held > 3


def pressed_by(result: Simulated) -> dict[str, set[str]]:
    """The buttons that were pressed in each session."""
    found: dict[str, set[str]] = defaultdict(set)
    for press in result.truth("presses/"):
        found[press["session_id"]].add(press["button"])
    return found


@pytest.mark.parametrize("policy", POLICIES)
def test_every_policy_plays(policy: str) -> None:
    result = simulated(replace(good_plan(3), games_per_day=8, policies=(policy,)))
    (buttons,) = pressed_by(result).values()
    done = {p["button"] for p in result.truth("presses/") if p["outcome"] == "executed"}
    if policy == "side-better":
        assert done == buttons & {*ACTIONS} == {"SIDEBET"}
    else:
        assert done >= {"BUY", "SELL"}
        assert ("SIDEBET" in buttons) == (policy == "random")


def test_hold_sells_all_at_a_profit() -> None:
    result = simulated(replace(good_plan(3), games_per_day=8, policies=("hold",)))
    player = result.truth("wealth/")[0]["player_id"]
    trades = [trade for trade in result.truth("trades/") if trade["player_id"] == player]
    bought = {trade["game_id"]: trade for trade in trades if trade["kind"] == "buy"}
    for trade in trades:
        if trade["kind"] == "sell" and not trade["is_forced"]:
            # By the time the order arrives the price may have moved a little.
            assert trade["qty"] == bought[trade["game_id"]]["qty"]
            assert trade["price"] > bought[trade["game_id"]]["price"]


def test_policies_are_dealt_in_turn_and_change_from_day_to_day() -> None:
    plan = replace(
        good_plan(3),
        days=2,
        sessions=2,
        players=2,
        games_per_day=6,
        policies=("side-better", "hold"),
    )
    result = simulated(plan)
    first, second, third, fourth = (
        pressed & {"BUY", "SIDEBET"} for _, pressed in sorted(pressed_by(result).items())
    )
    assert first == fourth == {"SIDEBET"}
    assert second == third == {"BUY"}


def test_who_connects_in_a_game_is_told_all_its_prices(bad: Simulated) -> None:
    connected = active = 0
    for path, data in bad.raw.items():
        for _, record in records(data.decode(), of_session(bad, path)):
            payload = None if record is None else payload_of(record)
            if not isinstance(payload, dict) or "prices" not in payload:
                continue
            prices = payload["prices"]
            assert (prices[0], prices[-1]) == (1, payload["price"])
            assert len(prices) == payload["tickCount"] + 1 or payload["rugged"]
            connected += 1
            active += payload["active"]
    assert connected > len(bad.raw)
    assert active > 1


def test_the_server_refuses_some_orders_and_says_why() -> None:
    result = simulated(replace(good_plan(4), games_per_day=8, policies=("side-better",)))
    reasons: Counter[str | None] = Counter()
    for line in result.lines(next(iter(result.raw))):
        if line["event"] == "success":
            payload = payload_of(line)
            assert payload["success"] == ("reason" not in payload)
            reasons[payload.get("reason")] += 1
    assert reasons.keys() == {
        None,
        "a side bet is already active",
        "the round is not open",
        "too many requests",
    }
    assert reasons["too many requests"] < 0.1 * reasons.total()


def test_bets_are_built_press_by_press(bad: Simulated) -> None:
    sequences: dict[tuple[str, str], list[Json]] = defaultdict(list)
    for table in bad.store.values():
        for row in table.to_pylist():
            record = json.loads(row["raw_json"])
            sequences[row["session_id"], record["sequence_id"]].append(record)
    built = 0
    for presses in sequences.values():
        presses.sort(key=lambda press: int(press["sequence_position"]))
        assert [press["sequence_position"] for press in presses] == list(range(len(presses)))
        if presses[-1]["button_id"] == "BUY" and presses[0]["button_id"] == "CLEAR":
            steps = {"INC_001": 1, "INC_01": 10, "INC_10": 100, "INC_1": 1000}
            total = sum(steps.get(press["button_id"], 0) for press in presses)
            assert presses[-1]["bet_amount"] == pytest.approx(total / 1000)
            built += 1
    assert built > 10


def test_midnight_games_run_over_midnight_and_are_recorded_whole(bad: Simulated) -> None:
    over = [
        row for row in bad.games.values() if row["created_us"] // DAY != row["rugged_us"] // DAY
    ]
    assert len(over) == 1
    assert over[0]["game_id"].startswith("20251215-")
    frames = [row for row in bad.truth("frames/") if row["game_id"] == over[0]["game_id"]]
    assert {row["received_us"] // DAY for row in frames} == {
        over[0]["created_us"] // DAY,
        over[0]["rugged_us"] // DAY,
    }
    assert any(row["phase"] == 3 for row in frames)


def test_sessions_overlap_and_start_and_stop_within_games(bad: Simulated) -> None:
    sessions: dict[str, list[str]] = defaultdict(list)
    first_phases = []
    for row in bad.truth("frames/"):
        if row["session_id"] not in sessions:
            first_phases.append(row["phase"])
        if row["game_id"] not in sessions[row["session_id"]]:
            sessions[row["session_id"]].append(row["game_id"])
    seen = Counter(game for games in sessions.values() for game in games)
    assert max(seen.values()) >= 2
    assert set(first_phases) & {1, 2}


def test_clocks_are_naive_with_an_offset_and_old_envelopes_occur(bad: Simulated) -> None:
    stamps: dict[bool, int] = Counter()
    old = 0
    for path in bad.raw:
        rows = of_session(bad, path)
        received = {
            (row["session_id"], row["seq"]): row["received_us"] for row in bad.truth("frames/")
        }
        for row, record in records(bad.raw[path].decode(), rows):
            key = (row["session_id"], row["seq"])
            if record is None or key not in received:
                continue
            stamp = record.get("ts") or record["timestamp"]
            true = moment(received[key])
            if stamp.endswith("+00:00"):
                assert stamp == true.isoformat(timespec="microseconds")
            else:
                assert stamp[17:] == true.isoformat(timespec="microseconds")[17:26]
                assert "cdp" not in path
            stamps[stamp.endswith("+00:00")] += 1
            old += "event_type" in record
    assert stamps[True] > 0
    assert stamps[False] > 0
    assert old > 0


def test_traced_events_without_payload_keep_their_trace(bad: Simulated) -> None:
    lost = 0
    for path, data in bad.raw.items():
        for _, record in records(data.decode(), of_session(bad, path)):
            if record is not None and isinstance(record["data"], dict):
                lost += "__trace" in record["data"]
    assert lost >= 0.8 * bad.counts["trace_only"] > 0


@pytest.mark.parametrize("form", [Format.EVENT_STORE, Format.BOTH])
def test_damaged_cells_of_the_store_are_told(form: Format) -> None:
    plan = Plan(
        seed=9,
        players=1,
        games_per_day=2,
        payload=Payload.LEAN,
        format=form,
        faults=Faults(broken=0.03),
    )
    result = simulated(plan)
    told = {
        (row["file"], row["position"]): row
        for row in result.truth("lines/")
        if row["file"].endswith(".parquet")
    }
    broken = 0
    for path, table in result.store.items():
        for position, row in enumerate(table.to_pylist(), 1):
            if row["doc_type"] == "ws_event":
                truth = told.pop((path, position))
                assert truth["seq"] == row["seq"]
                if truth["kind"] in LOST:
                    broken += 1
                    with pytest.raises(json.JSONDecodeError):
                        json.loads(row["raw_json"])
                else:
                    assert json.loads(row["raw_json"])["event"] == truth["event"]
    assert told == {}
    assert broken > 5
    assert bool(result.raw) == (form is Format.BOTH)


def test_every_button_is_pressed_by_somebody(bad: Simulated) -> None:
    pressed = {row["button"] for row in bad.truth("presses/")}
    assert {*ACTIONS, "CLEAR", "INC_001", "INC_01", "SELL_50"} <= pressed & set(BUTTONS)
