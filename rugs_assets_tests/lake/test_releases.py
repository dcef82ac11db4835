"""Releases: what they hold, what they refuse, and that nothing about them can change unseen."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rugs_assets.domain.violations import Violations
from rugs_assets.lake import releases
from rugs_assets.lake.catalog import EPISODES, OBSERVATIONS, TRAINING_SHARDS
from rugs_assets.lake.dataset import TrainingDataset
from rugs_assets.lake.date_rows import DateRows
from rugs_assets.lake.date_rules import RULES, DateRule
from rugs_assets.lake.errors import FileDamaged, LakeError, SchemaMismatch
from rugs_assets.lake.release_basis import Basis
from rugs_assets.lake.release_filters import OPERATORS, condition_of
from rugs_assets.lake.release_manifest import (
    CONTENT,
    Manifest,
    ReleaseDamaged,
    ReleaseError,
    ReleaseRefused,
    manifest_of,
)
from rugs_assets.lake.releases import ReleaseRequest, Releases
from rugs_assets.lake.specs import TableSpec
from rugs_assets.lake.tables import Lake
from rugs_assets_tests.lake.release_store import (
    BASIS,
    GAMES,
    MONDAY,
    THURSDAY,
    TUESDAY,
    Game,
    make_date,
    make_store,
    tally_of,
)

REQUEST = ReleaseRequest("first", MONDAY, TUESDAY)


@pytest.fixture(scope="module")
def two_dates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of two dates, never changed."""
    return Path(make_store(tmp_path_factory.mktemp("two_dates") / "store").root)


@pytest.fixture
def lake(two_dates: Path, tmp_path: Path) -> Lake:
    """A copy of the store of two dates."""
    return Lake(shutil.copytree(two_dates, tmp_path / "store"))


@pytest.fixture
def released(lake: Lake) -> Manifest:
    """A release of both dates."""
    return Releases(lake).create(REQUEST, BASIS)


def refused(lake: Lake, request: ReleaseRequest = REQUEST, basis: Basis = BASIS) -> tuple[str, ...]:
    """Why a release is refused; nothing may be left of the attempt."""
    with pytest.raises(ReleaseRefused) as caught:
        Releases(lake).create(request, basis)
    assert Releases(lake).names() == []
    return caught.value.problems


def test_a_release_says_what_it_holds(lake: Lake, released: Manifest) -> None:
    assert Releases(lake).names() == ["first"]
    assert Releases(lake).manifest("first") == released
    assert Releases(lake).verify("first") == []
    content = released.content
    assert content.keys() == CONTENT.keys()
    assert content["dates"] == ["2025-12-15", "2025-12-16"]
    decisions = sum(game.decisions for game in GAMES)
    counts = content["counts"]
    assert (counts["episodes"], counts["samples"]) == (10, 2 * decisions)
    assert counts["ends"] == {"done": 8, "truncated": 2}
    assert sum(counts["actions"].values()) == 2 * decisions
    assert sum(split["samples"] for split in counts["splits"].values()) == 2 * decisions
    assert content["reward"] == {"name": "equity_delta", "version": 1, "unit": "SOL"}
    assert content["normalisation"]["rows"] == counts["splits"]["train"]["samples"]
    assert {check["rule"] for check in content["checks"]} >= {"features_finite", "rows_in_order"}
    assert all(check["dates"] == 2 and check["violations"] == 0 for check in content["checks"])
    assert list(released.tables) == [each.spec.name for each in BASIS.tables]


def test_the_moments_are_those_of_the_train_rows(lake: Lake, released: Manifest) -> None:
    said = released.content["normalisation"]
    rows = TrainingDataset.open(lake, release="first")
    (batch,) = rows.batches(1_000, split="train")
    exact = batch["observations"].astype("float64")
    assert said["mean"] == pytest.approx(exact.mean(axis=0))
    assert said["std"] == pytest.approx(exact.std(axis=0))
    assert said["min"] == exact.min(axis=0).tolist()
    assert said["max"] == exact.max(axis=0).tolist()


def test_the_same_rows_in_another_store_give_the_same_checksums(tmp_path: Path) -> None:
    stores = [make_store(tmp_path / name) for name in ("here", "there/deeper")]
    make_date(stores[1], THURSDAY)  # its tables are at other versions
    one, other = (Releases(store).create(REQUEST, BASIS) for store in stores)
    assert one.checksum == other.checksum
    assert one.files == other.files
    assert one.tables != other.tables
    text = json.dumps(one.content)
    assert str(tmp_path) not in text
    assert "run-0" not in text


def test_other_rows_give_another_checksum_and_diff_says_which(
    lake: Lake, released: Manifest
) -> None:
    make_date(lake, TUESDAY, salt=1.0)
    later = Releases(lake).create(replace(REQUEST, name="second"), BASIS)
    assert later.checksum != released.checksum
    found = {difference.what for difference in Releases(lake).diff("first", "second")}
    assert "rows.2025-12-16" in found
    assert "rows.2025-12-15" not in found
    assert Releases(lake).diff("first", "first") == []


def test_conditions_choose_whole_episodes(lake: Lake) -> None:
    request = replace(REQUEST, where=("has_player = true", "peak_price < 5"))
    chosen = Releases(lake).create(request, BASIS)
    assert chosen.content["where"] == ["has_player = true", "peak_price < 5.0"]
    assert chosen.content["counts"]["episodes"] == 4
    assert chosen.content["counts"]["samples"] == 2 * (7 + 12)
    dataset = TrainingDataset.open(lake, release="first")
    assert len(dataset) == 2 * (7 + 12)
    assert {float(dataset[at][0][9]) % 100 for at in range(len(dataset))} == {1.0, 3.0}


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ("has_player", "COLUMN OPERATOR VALUE"),
        ("colour = red", "no column 'colour'"),
        ("ticks > many", "'many' is no value of ticks"),
        ("has_player > false", "use = or !="),
    ],
)
def test_a_condition_that_cannot_be_read_is_an_error(lake: Lake, condition: str, says: str) -> None:
    with pytest.raises(ReleaseError, match=says):
        Releases(lake).create(replace(REQUEST, where=(condition,)), BASIS)


@given(st.sampled_from(OPERATORS), st.booleans(), st.integers(-(2**31), 2**31 - 1), st.text())
def test_a_condition_is_said_as_it_can_be_read(
    operator: str, flag: bool, number: int, text: str
) -> None:
    said = [f"ticks {operator} {number}", f"peak_price{operator}{number / 7}"]
    said += [f"has_player {'=' if flag else '!='} {flag}"]
    if text.strip() == text and text.isprintable():
        said.append(f"session_id {operator} {text}")
    for each in said:
        condition = condition_of(each)
        assert condition_of(str(condition)) == condition


def test_conditions_that_nothing_meets_are_refused(lake: Lake) -> None:
    (problem,) = refused(lake, replace(REQUEST, where=("peak_price > 99",)))
    assert "no episode" in problem


def test_missing_dates_are_named_with_their_cure(lake: Lake) -> None:
    make_date(lake, THURSDAY, upto="observations")
    problems = refused(lake, ReleaseRequest("first", MONDAY, THURSDAY))
    (wednesday,) = [line for line in problems if line.startswith("2025-12-17")]
    assert "--select '*' --partition 2025-12-17" in wednesday
    thursday = [line for line in problems if line.startswith("2025-12-18")]
    assert [line.split()[1] for line in thursday] == ["aligned_samples", "training_shards"]
    assert "--select 'key:\"training_shards\"' --partition 2025-12-18" in thursday[1]


def test_dates_of_which_nothing_was_recorded_can_be_left_out(lake: Lake) -> None:
    make_date(lake, THURSDAY)
    request = ReleaseRequest("first", MONDAY, THURSDAY, skip_absent=True)
    made = Releases(lake).create(request, BASIS)
    assert made.content["absent_dates"] == ["2025-12-17"]
    assert made.dates == (MONDAY, TUESDAY, THURSDAY)


def test_a_date_half_computed_is_not_absent(lake: Lake) -> None:
    make_date(lake, THURSDAY, upto="episodes")
    request = ReleaseRequest("first", MONDAY, THURSDAY, skip_absent=True)
    assert any(line.startswith("2025-12-18: training_shards") for line in refused(lake, request))


def test_dates_of_other_code_are_refused(lake: Lake) -> None:
    make_date(lake, TUESDAY, code="6")
    problems = refused(lake)
    assert all("2025-12-16" in line and "code version '6', not '7'" in line for line in problems)
    assert len(problems) == 5  # two tables are made by another one's asset


def test_dates_of_other_settings_are_refused(lake: Lake) -> None:
    make_date(lake, THURSDAY, config='{"reward": "log_equity"}')
    request = ReleaseRequest("first", MONDAY, THURSDAY, skip_absent=True)
    problems = refused(lake, request)
    assert all(line.startswith("2025-12-18") and "log_equity" in line for line in problems)


def test_dates_of_another_schema_are_refused(lake: Lake) -> None:
    older = replace(TRAINING_SHARDS, schema_version=TRAINING_SHARDS.schema_version + 1)
    make_date(lake, TUESDAY, shards=older)
    (problem,) = refused(lake)
    assert problem.startswith("2025-12-16: training_shards has schema version")


def test_dates_made_from_replaced_inputs_are_refused(lake: Lake) -> None:
    make_date(lake, TUESDAY, salt=1.0, upto="observations")
    problems = refused(lake)
    assert [line.split()[1] for line in problems] == ["aligned_samples", "training_shards"]
    assert "no longer hold" in problems[0]


def test_a_broken_blocking_rule_refuses_its_date_and_another_is_counted(lake: Lake) -> None:
    make_date(lake, TUESDAY, [Game(1, 3), Game(2, 4, fairness="price_mismatch")])
    made = Releases(lake).create(REQUEST, BASIS)
    (fair,) = [check for check in made.content["checks"] if check["rule"] == "provably_fair"]
    assert (fair["blocking"], fair["violations"]) == (False, 1)
    Releases(lake).remove("first")
    strict = {
        table: [replace(rule, blocking=rule.blocking or rule.is_error) for rule in rules]
        for table, rules in RULES.items()
    }
    with pytest.raises(ReleaseRefused) as caught:
        Releases(lake).create(REQUEST, BASIS, strict)
    (problem,) = caught.value.problems
    assert problem.startswith("2025-12-16: episodes breaks the rule provably_fair")


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"lost": 1}, "what='lines of captures', expected=0, found=1"),
        ({"ignored": 2}, "what='events kept'"),
        ({"kept": 1, "used": 1}, "what='used events in raw_ws_events', expected=1"),
        ({"rejected": 3}, "what='records in rejected_input', expected=3, found=0"),
    ],
)
def test_events_that_are_not_accounted_for_refuse_their_date(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, other: dict[str, int], says: str
) -> None:
    monkeypatch.setattr(
        "rugs_assets_tests.lake.release_store.tally_of",
        lambda used: json.dumps(json.loads(tally_of(used)) | other),
    )
    make_date(lake, TUESDAY)
    (problem,) = refused(lake)
    assert problem.startswith("2025-12-16: raw_ws_events breaks the rule every_line_accounted_for")
    assert says in problem
    assert "--select 'key:\"raw_ws_events\"' --partition 2025-12-16" in problem


def test_a_date_whose_captures_were_not_counted_is_refused(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rugs_assets_tests.lake.release_store.tally_of", lambda used: "")
    make_date(lake, TUESDAY)
    (problem,) = refused(lake)
    assert "tally of the captures" in problem


@pytest.mark.parametrize("table", [OBSERVATIONS, TRAINING_SHARDS], ids=lambda table: table.name)
def test_what_is_vacuumed_while_a_release_is_made_refuses_it(lake: Lake, table: TableSpec) -> None:
    def judge(day: DateRows) -> Violations:
        if day.date == TUESDAY:
            make_date(lake, TUESDAY, salt=1.0)
            lake.vacuum(table, retention_hours=0, dry_run=False)
        return Violations("as pinned", 0)

    with pytest.raises(ReleaseRefused) as caught:
        Releases(lake).create(REQUEST, BASIS, {"observations": [DateRule("pinned", "", judge)]})
    (problem,) = caught.value.problems
    assert problem.startswith("2025-12-16")
    assert f"{table.name}/capture_date=2025-12-16/part-" in problem
    assert "create the release again" in problem
    assert Releases(lake).names() == []
    assert left_behind(lake) == []
    assert Releases(lake).create(REQUEST, BASIS).dates == (MONDAY, TUESDAY)


def test_what_is_vacuumed_while_a_release_is_written_refuses_it(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    content_of = vars(releases)["content_of"]

    def meanwhile(*arguments: Any) -> Any:
        make_date(lake, TUESDAY, salt=1.0)
        lake.vacuum(OBSERVATIONS, retention_hours=0, dry_run=False)
        return content_of(*arguments)

    monkeypatch.setattr(releases, "content_of", meanwhile)
    (problem,) = refused(lake)
    assert "observations/capture_date=2025-12-16/part-" in problem
    assert left_behind(lake) == []


def test_every_blocking_rule_of_the_graph_is_judged(lake: Lake, released: Manifest) -> None:
    expected = {(table, rule.name) for table, rules in RULES.items() for rule in rules}
    said = {(check["table"], check["rule"]): check for check in released.content["checks"]}
    assert said.keys() == expected
    blocking = {key for key, check in said.items() if check["blocking"]}
    assert blocking == {(t, r.name) for t, rules in RULES.items() for r in rules if r.blocking}


def test_a_date_that_cannot_be_read_is_named(lake: Lake) -> None:
    (path,) = Path(lake.uri(OBSERVATIONS)).glob("capture_date=2025-12-16/*.parquet")
    text = bytearray(path.read_bytes())
    text[100] ^= 1  # in the first page; the footer is whole
    path.write_bytes(text)
    problems = refused(lake)
    assert all(line.startswith("2025-12-16") for line in problems)
    assert any("cannot be read" in line for line in problems)


def test_a_date_that_a_warning_cannot_read_is_refused_too(lake: Lake) -> None:
    def judge(day: DateRows) -> Violations:
        if day.date == TUESDAY:
            raise FileDamaged("raw_ws_events cannot be read")
        return Violations("as pinned", 1)

    rule = DateRule("warns", "", judge, blocking=False)
    with pytest.raises(ReleaseRefused) as caught:
        Releases(lake).create(REQUEST, BASIS, {"raw_ws_events": [rule]})
    (problem,) = caught.value.problems
    assert problem.startswith("2025-12-16: raw_ws_events breaks the rule warns")
    assert "cannot be read" in problem


def test_callers_rules_are_judged_on_the_pinned_rows(lake: Lake) -> None:
    seen: dict[date, list[Any]] = {}

    def judge(day: DateRows) -> Violations:
        make_date(lake, day.date, salt=9.0)  # replaced meanwhile: the rule sees what was pinned
        prices = pa.chunked_array(
            [batch["count_2x"] for batch in day.batches(OBSERVATIONS, ["count_2x"])]
        )
        seen[day.date] = prices.unique().to_pylist()
        return Violations("as pinned", 0)

    Releases(lake).create(REQUEST, BASIS, {"observations": [DateRule("pinned", "", judge)]})
    assert seen == {MONDAY: [1.0], TUESDAY: [1.0]}


@pytest.mark.parametrize(
    "name", ["", "../up", "a/b", ".hidden", "_staging", "a..b", "x" * 101, "ä"]
)
def test_a_name_cannot_leave_the_store(lake: Lake, name: str) -> None:
    for act in (
        lambda: Releases(lake).create(replace(REQUEST, name=name), BASIS),
        lambda: Releases(lake).manifest(name),
        lambda: Releases(lake).remove(name),
    ):
        with pytest.raises(ReleaseError, match="cannot name a release"):
            act()


def test_a_manifest_that_points_out_of_its_folder_is_refused(
    lake: Lake, released: Manifest
) -> None:
    outside = replace(released.files[0], path="../../training_shards/x.parquet")
    forged = replace(released, files=(outside, *released.files[1:]))
    with pytest.raises(ReleaseDamaged, match="leads out of its folder"):
        manifest_of(forged.to_bytes(), "release.json")


def test_a_release_is_never_changed(lake: Lake, released: Manifest) -> None:
    make_date(lake, TUESDAY, salt=1.0)
    with pytest.raises(ReleaseError, match="there is a release 'first' already"):
        Releases(lake).create(REQUEST, BASIS)
    assert Releases(lake).manifest("first") == released


def test_nothing_is_seen_or_left_of_a_release_that_fails_half_way(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Manifest) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Manifest, "to_bytes", full)
    with pytest.raises(LakeError, match="No space left"):
        Releases(lake).create(REQUEST, BASIS)
    assert Releases(lake).names() == []
    assert left_behind(lake) == []


def left_behind(lake: Lake) -> list[str]:
    """Folders of unfinished releases."""
    staging = Path(lake.root) / "releases" / "_staging"
    return [path.name for path in staging.iterdir() if path.is_dir()]


def test_a_release_outlives_its_table(lake: Lake, released: Manifest) -> None:
    before = [row.copy() for row, *_ in TrainingDataset.open(lake, release="first")]
    make_date(lake, TUESDAY, salt=1.0)
    make_date(lake, MONDAY, GAMES[:1])
    for table in BASIS.tables:
        lake.vacuum(table.spec, retention_hours=0, dry_run=False)
    shutil.rmtree(Path(lake.uri(TRAINING_SHARDS)))
    assert Releases(lake).verify("first") == []
    after = [row for row, *_ in TrainingDataset.open(lake, release="first")]
    assert len(before) == len(after)
    assert all((one == other).all() for one, other in zip(before, after, strict=True))


def test_vacuum_keeps_the_versions_that_a_release_rests_on(lake: Lake, released: Manifest) -> None:
    for salt in (1.0, 2.0):
        make_date(lake, TUESDAY, salt=salt)
    lake.vacuum(OBSERVATIONS, retention_hours=0, dry_run=False)
    version = released.tables["observations"]
    kept = lake.read(OBSERVATIONS, TUESDAY, version=version, columns=["count_2x"]).to_arrow()
    assert kept["count_2x"].unique().to_pylist() == [1.0]
    Releases(lake).remove("first")
    lake.vacuum(OBSERVATIONS, retention_hours=0, dry_run=False)
    with pytest.raises(FileDamaged, match="was its version vacuumed"):
        lake.read(OBSERVATIONS, TUESDAY, version=version)


def test_vacuum_stops_at_a_release_that_it_cannot_read(lake: Lake, released: Manifest) -> None:
    (Releases(lake).folder("first") / "release.json").write_text("{}")
    with pytest.raises(ReleaseDamaged, match=r"release\.json is damaged"):
        lake.vacuum(EPISODES, retention_hours=0, dry_run=False)


@pytest.mark.parametrize("limit", [None, 0])
def test_a_file_of_which_no_episode_is_taken_is_checked_too(lake: Lake, limit: int | None) -> None:
    make_date(lake, TUESDAY, [Game(7, 9, has_player=False)])
    request = replace(REQUEST, where=("has_player = true",))
    Releases(lake).create(request, BASIS)
    folder = Releases(lake).folder("first")
    (path,) = folder.glob("training_shards/capture_date=2025-12-16/*.parquet")
    text = bytearray(path.read_bytes())
    path.unlink()  # the table's own file is a link to it
    text[100] ^= 1
    path.write_bytes(text)
    with pytest.raises(ReleaseDamaged, match=path.name):
        TrainingDataset.open(lake, release="first", memory_limit=limit)
    assert len(TrainingDataset.open(lake, release="first", memory_limit=limit, dates=MONDAY))


def test_a_file_that_does_not_belong_is_named(lake: Lake, released: Manifest) -> None:
    (Releases(lake).folder("first") / "note.txt").write_text("hello")
    (problem,) = Releases(lake).verify("first")
    assert problem.endswith("note.txt is not part of the release")


def test_dates_the_wrong_way_round_are_named(lake: Lake) -> None:
    with pytest.raises(ReleaseError, match="2025-12-15 is before 2025-12-16"):
        Releases(lake).create(ReleaseRequest("first", TUESDAY, MONDAY), BASIS)


def test_a_release_of_newer_code_is_not_called_damaged(lake: Lake, released: Manifest) -> None:
    path = Releases(lake).folder("first") / "release.json"
    path.write_bytes(path.read_bytes().replace(b'"format": 1', b'"format": 2'))
    with pytest.raises(ReleaseError, match="format 2, this code reads up to 1") as caught:
        Releases(lake).manifest("first")
    assert not isinstance(caught.value, ReleaseDamaged)


def test_verify_says_what_is_wrong_with_a_file(lake: Lake, released: Manifest) -> None:
    path = Releases(lake).folder("first") / released.shards[0].path
    whole = path.read_bytes()
    path.unlink()  # a link: the table keeps its file
    path.write_bytes(whole[:-1])
    (problem,) = Releases(lake).verify("first")
    assert problem == f"{path} has {len(whole) - 1} bytes, expected {len(whole)}"
    path.write_bytes(whole[:-1] + b"2")
    (problem,) = Releases(lake).verify("first")
    assert problem == f"{path} has another sha256 than was released"


def test_a_renamed_folder_is_not_a_release(lake: Lake, released: Manifest) -> None:
    folder = Releases(lake).folder("first")
    folder.rename(folder.with_name("second"))
    for look in (
        lambda: Releases(lake).verify("second"),
        lambda: TrainingDataset.open(lake, release="second"),
    ):
        with pytest.raises(ReleaseDamaged, match="the manifest of another release, 'first'"):
            look()


def test_a_damaged_table_file_cannot_be_released(lake: Lake) -> None:
    path = next(Path(lake.uri(TRAINING_SHARDS)).rglob("*2025-12-16/part-*.parquet"))
    whole = path.read_bytes()
    for at in range(4, 60, 4):  # the header of the first page: no checksum of Parquet covers it
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(LakeError, match="2025-12-16"):
            Releases(lake).create(REQUEST, BASIS, rules={})
        assert Releases(lake).names() == []


def test_removing_takes_the_cache_along_when_nobody_else_needs_it(
    lake: Lake, released: Manifest
) -> None:
    twin = Releases(lake).create(replace(REQUEST, name="twin"), BASIS)
    assert twin.checksum == released.checksum
    TrainingDataset.open(lake, release="first", memory_limit=0)
    caches = Path(lake.root) / "_cache"

    def present() -> list[str]:
        return [path.name for path in caches.iterdir() if path.is_dir()]

    Releases(lake).remove("first")
    assert len(present()) == 1
    Releases(lake).remove("twin")
    assert present() == []
    assert Releases(lake).names() == []
    with pytest.raises(ReleaseError, match="there is no release 'twin'"):
        Releases(lake).remove("twin")


def test_a_release_of_other_features_is_not_opened(
    lake: Lake, released: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rugs_assets.lake.dataset_source.features_digest", lambda: "f" * 64)
    with pytest.raises(SchemaMismatch, match="release first was made with features"):
        TrainingDataset.open(lake, release="first")


def test_releases_are_made_in_folders_only() -> None:
    with pytest.raises(ReleaseError, match="is not a folder"):
        Releases(Lake("s3://bucket/store?region=nowhere")).create(REQUEST, BASIS)
