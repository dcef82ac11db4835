"""Running the simulator: the same bytes every time, into files, in bounded pieces, step by step."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from rugs_assets.cli import app
from rugs_assets.domain.simulator import (
    FAULTS,
    POLICIES,
    Appended,
    Arena,
    Faults,
    Format,
    Payload,
    Plan,
    Progress,
    simulate,
    write_simulation,
)
from rugs_assets.domain.simulator.policies import View
from rugs_assets.domain.simulator.randomness import stream
from rugs_assets_tests.domain.simulated import Simulated, simulated

PLAN = Plan(
    seed=21,
    sessions=2,
    players=1,
    games_per_day=3,
    format=Format.BOTH,
    payload=Payload.LEAN,
    faults=Faults.usual(),
)


@pytest.fixture(scope="module")
def once() -> Simulated:
    return simulated(PLAN)


def test_same_arguments_same_bytes(once: Simulated) -> None:
    again = simulated(PLAN)
    assert again.raw == once.raw
    assert list(again.store) == list(once.store)
    assert all(again.store[path].equals(once.store[path]) for path in once.store)
    assert list(again.truths) == list(once.truths)
    assert all(again.truths[path].equals(once.truths[path]) for path in once.truths)


def test_another_seed_is_another_world(once: Simulated) -> None:
    other = simulated(replace(PLAN, seed=22))
    assert not set(other.games) & set(once.games)
    assert not set(other.raw.values()) & set(once.raw.values())


def test_sessions_and_faults_leave_the_games_alone(once: Simulated) -> None:
    other = simulated(replace(PLAN, sessions=1, players=0, format=Format.RAW_JSONL))
    assert other.games == once.games


def test_pieces_are_small_however_long_the_simulation() -> None:
    sizes, lines = [], 0
    for output in simulate(Plan(seed=1, games_per_day=12)):
        if isinstance(output, Appended):
            sizes.append(len(output.data))
            lines += output.data.count(b"\n")
    assert len(sizes) > 10
    assert max(sizes) < 3 << 20


def test_progress_counts_games(once: Simulated) -> None:
    assert [step.games for step in once.progress] == [1, 2, 3]
    assert {step.of for step in once.progress} == {3}
    assert 0 < once.progress[-1].events <= once.counts["events"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"days": 0}, "at least one day"),
        ({"start": date(9999, 12, 30), "days": 2}, "2 days from 9999-12-30: dates are 1970"),
        ({"start": date(1970, 1, 1)}, "dates are 1970-01-02 to"),
        ({"players": 3}, "players"),
        ({"games_per_day": 0}, "games per day"),
        ({"versions": ("v9",)}, "versions"),
        ({"policies": ()}, "policy"),
    ],
)
def test_impossible_plans_are_refused(change: dict[str, object], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        replace(PLAN, **change)  # type: ignore[arg-type]  # the wrong values are the point


@pytest.mark.parametrize("rate", [-0.1, 1.5, 7])
def test_a_rate_that_is_no_probability_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="fault late: a probability is 0 to 1"):
        Faults(late=rate)


def test_faults_are_chosen_by_name() -> None:
    assert Faults.usual(FAULTS) == Faults.usual()
    assert Faults.usual([]) == Faults()
    assert Faults.usual(["late", "midnight"]) == Faults(late=Faults.usual().late, midnight=True)
    with pytest.raises(ValueError, match="no fault 'gremlins'; there are dropped, repeated"):
        Faults.usual(["late", "gremlins"])


def test_an_unknown_policy_is_refused_before_anything_is_made() -> None:
    with pytest.raises(ValueError, match="no policy"):
        simulate(replace(PLAN, policies=("clairvoyant",)))


def test_files_hold_what_was_simulated(once: Simulated, tmp_path: Path) -> None:
    summary = write_simulation(PLAN, tmp_path / "captures", tmp_path / "truth")
    written = {
        str(path.relative_to(tmp_path / "captures")): path
        for path in (tmp_path / "captures").rglob("*")
        if path.is_file()
    }
    assert set(written) == {*once.raw, *once.store}
    assert all(written[path].read_bytes() == data for path, data in once.raw.items())
    first = next(iter(once.store))
    assert pq.read_table(written[first], partitioning=None).equals(once.store[first])
    assert summary.files == len(written)
    assert summary.bytes == sum(path.stat().st_size for path in written.values())
    assert (tmp_path / "truth" / "counts.parquet").is_file()
    with pytest.raises(FileExistsError):
        write_simulation(PLAN, tmp_path / "captures", None)


def test_what_is_interrupted_leaves_no_file_and_touches_no_other(tmp_path: Path) -> None:
    (tmp_path / "captures" / "raw_jsonl").mkdir(parents=True)
    mine = tmp_path / "captures" / "raw_jsonl" / "mine.jsonl"
    mine.write_text("{}\n")

    def interrupt(progress: Progress) -> None:
        assert len(list(tmp_path.rglob("*.*"))) > 5
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_simulation(PLAN, tmp_path / "captures", tmp_path / "truth", interrupt)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [mine]


def test_a_file_that_is_there_already_stays_and_what_was_written_goes(tmp_path: Path) -> None:
    write_simulation(replace(PLAN, format=Format.RAW_JSONL), tmp_path, None)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(FileExistsError):
        write_simulation(PLAN, tmp_path, None)
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before


def test_files_are_open_only_while_they_are_written(tmp_path: Path) -> None:
    plan = Plan(days=8, games_per_day=1, payload=Payload.LEAN)
    count = len(list(Path("/dev/fd").iterdir()))
    most = 0

    def look(progress: Progress) -> None:
        nonlocal most
        most = max(most, len(list(Path("/dev/fd").iterdir())))

    assert write_simulation(plan, tmp_path, None, look).files == 8
    assert most <= count + 2


def test_bytes_are_the_same_in_another_process_whatever_its_hash_seed(tmp_path: Path) -> None:
    written = []
    for seed in ("1", "2"):
        out = tmp_path / seed
        command = [sys.executable, "-m", "rugs_assets.cli", "simulate", "--days", "1"]
        command += ["--out", str(out / "captures"), "--truth", str(out / "truth")]
        command += ["--games-per-day", "2", "--payload", "lean", "--format", "both"]
        subprocess.run(command, check=True, env=os.environ | {"PYTHONHASHSEED": seed})
        files = sorted(path for path in out.rglob("*") if path.is_file())
        written.append({str(path.relative_to(out)): path.read_bytes() for path in files})
    assert len(written[0]) > 10
    assert written[0] == written[1]


def test_the_truth_is_never_written_among_the_captures(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="among the captures"):
        write_simulation(PLAN, tmp_path, tmp_path / "truth")
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_and_says_so(tmp_path: Path) -> None:
    options = ["--days", "1", "--games-per-day", "2", "--payload", "lean", "--seed", "3"]
    folders = ["--out", str(tmp_path / "captures"), "--truth", str(tmp_path / "truth")]
    done = CliRunner().invoke(app, ["simulate", *folders, *options])
    assert done.exit_code == 0, done.output
    assert "2 games" in done.output
    assert len(list((tmp_path / "captures" / "raw_jsonl").iterdir())) == 2
    again = CliRunner().invoke(app, ["simulate", *folders, *options])
    assert again.exit_code == 2
    wrong = CliRunner().invoke(app, ["simulate", "--out", str(tmp_path / "new"), "--policy", "no"])
    assert wrong.exit_code == 2
    assert "no policy" in wrong.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--fault", "gremlins"], "no fault 'gremlins'"),
        (["--fault", "late", "--no-faults"], "contradict"),
        (["--players", "3"], "0 to 2 (one a session), not 3"),
        (["--start", "9999-12-31"], "dates are 1970-01-02 to 9999-12-30"),
        (["--truth", "{out}/truth"], "must not lie among the captures"),
    ],
)
def test_what_cannot_be_simulated_is_said_in_a_line(
    tmp_path: Path, options: list[str], message: str
) -> None:
    options = [option.replace("{out}", str(tmp_path / "new")) for option in options]
    done = CliRunner().invoke(app, ["simulate", "--out", str(tmp_path / "new"), *options])
    assert done.exit_code == 2
    assert message in done.output
    assert not (tmp_path / "new").exists()


def test_a_folder_that_is_none_is_said_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = CliRunner().invoke(app, ["simulate", "--out", str(tmp_path / "file"), "--days", "1"])
    assert done.exit_code == 2
    assert "Not a directory" in done.output


def test_the_command_takes_single_faults(tmp_path: Path) -> None:
    folders = ["--out", str(tmp_path / "captures"), "--truth", str(tmp_path / "truth")]
    options = ["--days", "2", "--games-per-day", "2", "--payload", "lean", "--fault", "midnight"]
    assert CliRunner().invoke(app, ["simulate", *folders, *options]).exit_code == 0
    counts = pq.read_table(tmp_path / "truth" / "counts.parquet").to_pylist()
    told = {row["what"]: row["count"] for row in counts}
    assert (told["midnight"], told["cut_sessions"], told["naive_clock"]) == (1, 0, 0)
    assert "dropped" not in told


@given(st.integers(0, 2**32))
@settings(max_examples=4, deadline=None)
def test_the_arena_steps_the_same_world_again(seed: int) -> None:
    def run(arena: Arena) -> list[tuple[str, int, int, int]]:
        rng, steps = stream(seed, "test"), []
        policy = POLICIES["random"]()
        view = View()
        for _ in range(300):
            step = arena.step(policy.act(view, rng))
            view = step.view
            steps.append((view.game_id, view.tick, view.now_us, step.wealth))
        return steps

    arena = Arena(seed)
    first = run(arena)
    arena.reset(seed)
    assert run(arena) == first == run(Arena(seed))
    assert [now for *_, now, _ in first] == sorted({now for *_, now, _ in first})


def test_the_arena_trades_and_settles() -> None:
    arena = Arena(8)
    step, held, rugs, wealth = arena.step(()), 0, 0, set()
    for _ in range(3000):
        buy = step.view.phase == 2 and step.view.tick == 2 and not step.view.qty
        step = arena.step(("CLEAR", "INC_10", "BUY") if buy else ())
        held += step.view.qty > 0
        rugs += step.rugged
        wealth.add(step.wealth)
    assert rugs >= 3
    assert held > 50
    assert len(wealth) > 50
    with pytest.raises(ValueError, match="no button 'SELL_ALL'"):
        arena.step(("SELL_ALL",))
