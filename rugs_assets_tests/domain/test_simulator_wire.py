"""The form of simulated captures is the form of the real ones, member by member."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from rugs_assets.domain.simulator import Format, Payload, Plan
from rugs_assets_tests.domain.simulated import Json, Simulated, payload_of, simulated

# What the simulator shows and the few real captures at hand do not: a god candle, an open short, a
# bet that was lost, an own player at stake.
COMPARED = ("gameStateUpdate", "playerUpdate", "gameStatePlayerUpdate", "standard/newTrade")
RARE = (
    "leaderboardEntry",
    ".trades",
    "godCandle",
    "shortPosition",
    "sideBet",
    "sidebetActive",
    "sidebets",
    "winners",
)


@pytest.fixture(scope="module")
def recorded() -> Simulated:
    return simulated(Plan(seed=4, sessions=2, players=1, games_per_day=5, format=Format.BOTH))


@pytest.fixture(scope="module")
def made(recorded: Simulated) -> list[Json]:
    return [line for path in sorted(recorded.raw) for line in recorded.lines(path)]


@pytest.fixture(scope="module")
def real(captures_dir: Path) -> list[Json]:
    files = sorted((captures_dir / "raw_jsonl").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def kind(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    return {int: "number", float: "number", str: "text", type(None): "null"}.get(
        type(value), type(value).__name__
    )


def members(value: object, at: str) -> Iterator[tuple[str, str]]:
    """Every (path, kind) in a payload; members of `values` and elements of lists share a path."""
    yield at, kind(value)
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from members(inner, f"{at}.#" if name.isdigit() else f"{at}.{name}")
    elif isinstance(value, list):
        for inner in value[:400]:
            yield from members(inner, f"{at}[]")


def shape_of(line: Json) -> str:
    payload = payload_of(line)
    if line["event"] == "gameStateUpdate":
        connect = " connect" if "prices" in payload else ""
        return f"gameStateUpdate {len(payload)}{connect}"
    if line["event"] == "standard/newTrade":
        return f"standard/newTrade {payload.get('type')}"
    return str(line["event"])


def orders(lines: list[Json]) -> dict[str, set[tuple[str, ...]]]:
    found: dict[str, set[tuple[str, ...]]] = {}
    for line in lines:
        payload = payload_of(line)
        if isinstance(payload, dict) and payload and "__trace" not in payload:
            found.setdefault(shape_of(line), set()).add(tuple(payload))
    return found


def test_members_of_every_shape_are_those_of_the_real_captures(
    made: list[Json], real: list[Json]
) -> None:
    real_orders, made_orders = orders(real), orders(made)
    frames = {name for name in real_orders if name.startswith("gameStateUpdate")}
    assert len(frames) == 5
    for name in sorted(set(real_orders) & set(made_orders) - {"gameStatePlayerUpdate"}):
        assert made_orders[name] == real_orders[name], name
    trades = {"standard/newTrade buy", "standard/newTrade sell"}
    assert frames | trades | {"playerUpdate", "goldenHourDrawing"} <= set(made_orders)
    own = made_orders["gameStatePlayerUpdate"]
    assert own <= {
        ("gameId", "rugpool", *entry, *trades)
        for entry in ((), ("leaderboardEntry",))
        for trades in ((), ("trades",))
    }
    assert len(own) >= 3


def test_every_event_of_the_protocol_occurs(made: list[Json]) -> None:
    events = {line["event"] for line in made}
    assert events >= {
        *("gameStateUpdate", "standard/newTrade", "playerUpdate", "gameStatePlayerUpdate"),
        *("usernameStatus", "currentSidebet", "currentSidebetResult", "success"),
        *("buyOrder", "sellOrder", "requestSidebet"),
        *("ping", "newChatMessage", "goldenHourUpdate", "rugRoyaleUpdate", "battleEventUpdate"),
        "rugpassStatus",
    }


def test_every_event_of_the_real_captures_occurs(made: list[Json], real: list[Json]) -> None:
    def names(lines: list[Json]) -> set[tuple[str, str | None]]:
        return {(line["event"], line.get("direction")) for line in lines}

    assert names(real) <= names(made)


def test_who_connects_is_told_of_no_trades_first_and_then_of_its_own(made: list[Json]) -> None:
    (player,) = {payload_of(line)["id"] for line in made if line["event"] == "usernameStatus"}
    told = [payload_of(line) for line in made if line["event"] == "gameStatePlayerUpdate"]
    assert told[0]["trades"] == []
    own = [trade for payload in told for trade in payload.get("trades", [])]
    assert {trade["playerId"] for trade in own} == {player}


def test_kinds_of_every_member_are_those_of_the_real_captures(
    made: list[Json], real: list[Json]
) -> None:
    """A member has one of the kinds that it has in any shape of the same event."""

    def kinds(lines: list[Json]) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for line in lines:
            if line["event"] in COMPARED:
                for path, what in members(payload_of(line), line["event"]):
                    found.setdefault(path, set()).add(what)
        return found

    known, strange = kinds(real), {}
    for path, what in kinds(made).items():
        rare = any(word in path for word in RARE)
        allowed = known.get(path, set()) | ({"null"} if path.endswith(".username") else set())
        if not rare and not what <= allowed:
            strange[path] = what - allowed
    assert strange == {}


def test_leaderboard_entries_have_both_real_forms(made: list[Json], real: list[Json]) -> None:
    def forms(lines: list[Json]) -> set[tuple[str, ...]]:
        return {
            tuple(entry)
            for line in lines
            if line["event"] == "gameStateUpdate"
            for entry in payload_of(line)["leaderboard"]
        }

    assert len(forms(real)) == 2
    assert forms(made) == forms(real)


def test_leaderboards_are_ranked_and_say_the_same_to_everybody(made: list[Json]) -> None:
    board: dict[str, Json] = {}
    compared = ranks = 0
    for line in made:
        payload = payload_of(line)
        if line["event"] == "gameStateUpdate":
            entries = payload["leaderboard"]
            assert [entry["position"] for entry in entries] == list(range(1, len(entries) + 1))
            earned = [entry["pnl"] for entry in entries]
            assert earned == sorted(earned, reverse=True)
            board = {entry["id"]: entry for entry in entries}
        elif line["event"] == "gameStatePlayerUpdate":
            own = payload.get("leaderboardEntry")
            assert own is None or own["totalInvested"] > 0
            if own is not None and own["id"] in board:
                assert own == board[own["id"]]
                compared += 1
            elif own is not None and board:
                ranks += own["position"] > len(board)
    assert compared >= 3
    assert ranks > 50


def test_history_entries_and_their_sidebets_have_the_real_forms(
    made: list[Json], real: list[Json]
) -> None:
    def forms(lines: list[Json]) -> set[tuple[str, ...]]:
        games = [
            game
            for line in lines
            if line["event"] == "gameStateUpdate"
            for game in payload_of(line).get("gameHistory", [])
        ]
        bets = {tuple(bet) for game in games for bet in game["globalSidebets"]}
        return bets | {tuple(game) for game in games}

    assert len(forms(real)) == 4
    assert forms(made) == forms(real)


def test_envelopes_are_the_real_ones(made: list[Json], real: list[Json]) -> None:
    assert {tuple(line) for line in made} == {tuple(line) for line in real}
    assert {line["source"] for line in made if "source" in line} == {"cdp_intercept"}


def test_full_frames_are_about_as_big_as_real_ones(made: list[Json], real: list[Json]) -> None:
    def mean(lines: list[Json]) -> float:
        full = [line for line in lines if line["data"] and "gameHistory" in line["data"]]
        return sum(len(json.dumps(line)) for line in full[-5:]) / 5

    assert 0.3 < mean(made) / mean(real) < 3


def test_the_event_store_has_the_real_schema_names_and_grain(
    recorded: Simulated, captures_dir: Path
) -> None:
    real = sorted((captures_dir / "events_parquet").rglob("*.parquet"))
    names = {len(file.stem.split("_")) for file in real}
    assert len({pq.read_schema(file) for file in real}) == 1
    for path, table in recorded.store.items():
        assert table.schema.equals(pq.read_schema(real[0]))
        _, doc_type, day, name = path.split("/")
        first = table["ts"][0].as_py()
        assert doc_type in ("doc_type=ws_event", "doc_type=button_event")
        assert day == f"date={first[:10]}"
        assert name.startswith(first[:26].replace("-", "").replace(":", "").replace("T", "_")[:15])
        assert {len(name.removesuffix(".parquet").split("_"))} == names
        assert 0 < table.num_rows <= 100


def test_store_and_raw_file_hold_the_same_events(recorded: Simulated) -> None:
    stored: dict[str, dict[int, Json]] = {}
    for table in recorded.store.values():
        for row in table.to_pylist():
            if row["doc_type"] == "ws_event":
                events = stored.setdefault(row["session_id"], {})
                events[row["seq"]] = json.loads(row["raw_json"])
    written = [
        {line["seq"]: {"event": line["event"], "data": line["data"]} for line in lines}
        for lines in map(recorded.lines, recorded.raw)
    ]
    assert len(written) == len(stored) == 2
    for events in written:
        assert events in stored.values()


def test_lean_frames_keep_what_is_read_and_are_small() -> None:
    lean = simulated(Plan(seed=4, games_per_day=3, payload=Payload.LEAN))
    full = simulated(Plan(seed=4, games_per_day=3))
    assert set(lean.games) == set(full.games)
    sizes = [sum(map(len, one.raw.values())) for one in (lean, full)]
    assert sizes[0] < 0.5 * sizes[1]
    for line in lean.lines(next(iter(lean.raw))):
        for game in payload_of(line).get("gameHistory", []) if line["data"] else []:
            assert len(game["prices"]) > 1
            assert len(game["provablyFair"]["serverSeed"]) == 64
