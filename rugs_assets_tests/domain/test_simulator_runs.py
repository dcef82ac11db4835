"""Running the simulator: the same bytes every time, into files, in bounded pieces, step by step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from rugs_assets.cli import app
from rugs_assets.domain.simulator import (
    POLICIES,
    Appended,
    Arena,
    Faults,
    Format,
    Payload,
    Plan,
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
        ({"players": 3}, "players"),
        ({"games_per_day": 0}, "games per day"),
        ({"versions": ("v9",)}, "versions"),
        ({"policies": ()}, "policy"),
    ],
)
def test_impossible_plans_are_refused(change: dict[str, object], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        replace(PLAN, **change)  # type: ignore[arg-type]  # the wrong values are the point


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
