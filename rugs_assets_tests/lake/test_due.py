"""Which dates are due: judged from what is stored, what the captures hold and what the code is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

import pyarrow as pa
import pytest

from rugs_assets.lake.due import (
    Damaged,
    JudgedTable,
    Patience,
    Stored,
    Verdict,
    choose,
    verdict_on,
)
from rugs_assets.lake.ledger import DateInput, Ledger
from rugs_assets.lake.specs import StoredDate, TableSpec

DAY = date(2025, 12, 15)
SCHEMA = pa.schema([pa.field("n", pa.int64(), nullable=False)])
RAW, SIDE, GAMES, ROWS = (TableSpec(n, SCHEMA, 1) for n in ("raw", "side", "games", "rows"))
TABLES = (
    JudgedTable(SIDE, "raw", "1"),
    JudgedTable(RAW, "raw", "1"),
    JudgedTable(GAMES, "games", "1", (RAW,)),
    JudgedTable(ROWS, "rows", "1", (RAW, GAMES)),
)
LEDGER = Ledger("d", 1, "l", 1, "nothing", {DAY.isoformat(): DateInput("captures", "b")})


def digest_of(stored: Iterable[StoredDate]) -> str:
    return "+".join(sorted(each.content_digest for each in stored))


def of(table: str, content: str, made_from: str, **other: object) -> StoredDate:
    kept = StoredDate(table, DAY, 1, 1, 1, (), content, 1, "1", made_from, "{}", "")
    return replace(kept, **other)  # type: ignore[arg-type]  # fields by name


FRESH: dict[str, StoredDate | Damaged] = {
    "side": of("side", "S", "captures"),
    "raw": of("raw", "R", "captures"),
    "games": of("games", "G", "R"),
    "rows": of("rows", "O", "G+R"),
}


def judged(stored: Stored, ledger: Ledger = LEDGER) -> Verdict:
    return verdict_on(DAY, ledger, stored, TABLES, digest_of)


def with_input(**changes: str) -> Ledger:
    """The ledger with another input of the date."""
    source = DateInput(**{"digest": "captures", "basis": "b", **changes})
    return Ledger("d", 2, "l", 1, "nothing", {DAY.isoformat(): source})


NO_CAPTURE = Ledger("d", 2, "l", 0, "nothing", {})


def test_rows_that_a_run_would_write_now_are_left_alone() -> None:
    assert not judged(FRESH).is_due


def test_a_date_that_was_never_recorded_is_none_and_a_new_one_is_missing() -> None:
    assert not judged({}, NO_CAPTURE).is_due
    assert judged({}).reason == "side is missing"
    assert judged({}).assets == ("raw", "games", "rows")


@pytest.mark.parametrize(
    ("stored", "reason", "assets"),
    [
        ({"raw": of("raw", "R", "others")}, "raw was made from other captures", "raw games rows"),
        (
            {"side": of("side", "S", "others")},
            "side was made from other captures",
            "raw games rows",
        ),
        (
            {"games": of("games", "G", "R", code_version="0")},
            "games has code version 0, not 1",
            "games rows",
        ),
        ({"rows": of("rows", "O", "G+R", schema_version=0)}, "schema version 0, not 1", "rows"),
        # Somebody made the games anew with other settings.
        (
            {"games": of("games", "G2", "R", config='{"a": 1}')},
            "rows was made from what its inputs no longer hold",
            "rows",
        ),
        ({"games": Damaged("cut short")}, "games cannot be read: cut short", "games rows"),
    ],
)
def test_what_is_stale_is_made_anew_with_all_that_rests_on_it(
    stored: Stored, reason: str, assets: str
) -> None:
    found = judged({**FRESH, **stored})
    assert reason in found.reason
    assert found.assets == tuple(assets.split())


def test_a_date_whose_captures_were_removed_is_due_until_it_is_empty() -> None:
    assert judged(FRESH, NO_CAPTURE).reason == "side was made from other captures"
    empty = {
        **FRESH,
        "side": of("side", "S", "nothing"),
        "raw": of("raw", "R", "nothing"),
    }
    assert not judged(empty, NO_CAPTURE).is_due


def test_what_cannot_be_opened_or_is_growing_holds_back_only_what_reads_captures() -> None:
    blocked = with_input(digest="", blocked="x: cannot be opened")
    assert judged({}, blocked).waits_for == "x: cannot be opened"
    assert not judged(FRESH, blocked).is_due  # nobody knows better
    stale = {**FRESH, "rows": of("rows", "O", "others")}
    assert judged(stale, blocked).waits_for == ""
    growing = with_input(digest="more", growing="a.jsonl")
    assert judged(FRESH, growing).waits_for == "a.jsonl is still written to"
    # One that only reveals seeds does not keep a date from being made for the first time.
    nearby = with_input(digest="more", growing_nearby="b.jsonl")
    assert "b.jsonl" in judged(FRESH, nearby).waits_for
    assert judged({}, nearby).waits_for == ""


def test_an_outcome_is_named_by_captures_code_and_the_rows_that_stay() -> None:
    wants = judged({}).wants
    assert judged({"raw": of("raw", "R", "others")}).wants == wants
    assert judged({}, with_input(digest="others")).wants != wants
    coded = tuple(replace(table, code_version="2") for table in TABLES)
    assert verdict_on(DAY, LEDGER, {}, coded, digest_of).wants != wants
    one, other = (
        judged({**FRESH, "games": of("games", content, "R")}).wants for content in ("G2", "G3")
    )
    assert one != other


def test_settings_of_what_is_made_anew_are_kept() -> None:
    stored = {**FRESH, "games": of("games", "G2", "others", config='{"min_ticks": 5}')}
    assert judged(stored).configs == {"games": '{"min_ticks": 5}', "rows": "{}"}


def test_tries_are_bounded_and_further_and_further_apart() -> None:
    patience = Patience(tries=3, wait_seconds=100)
    assert patience.pause((), 0) == ""
    assert "tried 1 times, again at 00:01:40" in patience.pause((0,), 99)
    assert patience.pause((0,), 100) == ""
    assert patience.pause((0, 100), 499) != ""
    assert patience.pause((0, 100), 500) == ""
    assert "given up after 3 runs" in patience.pause((0, 100, 500), 1e9)


def test_the_oldest_go_first_and_what_waits_takes_no_room() -> None:
    days = [date(2025, 12, n) for n in range(1, 8)]
    verdicts = [Verdict(day, "is missing", ("raw",), "w", "", {}) for day in reversed(days)]
    verdicts.append(Verdict(date(2025, 11, 30), "", (), "", "", {}))
    asked: list[date] = []

    def pause(verdict: Verdict) -> str:
        asked.append(verdict.day)
        return "given up" if verdict.day == days[1] else ""

    chosen = choose(verdicts, {days[0]: "run is queued"}, pause, 2)
    assert [verdict.day for verdict in chosen.launch] == days[2:4]
    assert dict(chosen.waiting) == {
        days[0]: "run is queued",
        days[1]: "given up",
        **dict.fromkeys(days[4:], "next batch"),
    }
    assert asked == days[1:4]  # what cannot be launched anyway is not asked for
    assert choose(verdicts, {}, pause, 0).launch == ()
