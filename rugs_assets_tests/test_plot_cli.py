"""`rugs-assets plot`: a picture file out of a store."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from rugs_assets.cli import app
from rugs_assets.domain.simulator import Payload, Plan
from rugs_assets.lake import catalog
from rugs_assets.lake.specs import Provenance
from rugs_assets.lake.tables import Lake
from rugs_assets_tests.truth.played import played

MADE = Provenance("run", "1", "0" * 64)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    lake = Lake(folder)
    plan = Plan(seed=4, players=1, games_per_day=2, payload=Payload.LEAN)
    for date, day in played(plan).days.items():
        for spec, rows in (
            (catalog.RAW_WS_EVENTS, day.events),
            (catalog.EPISODES, day.episodes),
            (catalog.OBSERVATIONS, day.observations),
            (catalog.ALIGNED_SAMPLES, day.samples),
        ):
            lake.ensure(spec)
            lake.replace(spec, date, rows.to_batches(), MADE)
    return folder


def plot(store: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["plot", *arguments], env={"RUGS_STORE": str(store)})
    return result.exit_code, result.output


def test_it_draws_the_game_that_shows_most(store: Path, tmp_path: Path) -> None:
    out = tmp_path / "game.png"
    assert plot(store, "2025-12-15", "--out", str(out))[0] == 0
    assert out.read_bytes().startswith(b"\x89PNG")


def test_it_names_the_file_after_what_it_shows(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    game = Lake(store).read(catalog.EPISODES).to_arrow()["episode_id"][0].as_py()
    assert plot(store, "2025-12-15", "--game", str(game))[0] == 0
    assert plot(store, "2025-12-15", "--show", "features")[0] == 0
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {f"{game}.png", "2025-12-15-features.png"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["2025-12-15", "--game", "20251215-ffffffffffffffff"], "no game 20251215-ffffffff"),
        (["2025-12-19"], "has no game"),
        (["2025-12-19", "--show", "features"], "has no game"),
        (["yesterday"], "does not match"),
        (["2025-12-15", "--out", "/nowhere/x.png"], "--out: [Errno 2] No such file"),
    ],
)
def test_it_says_what_there_is_not(store: Path, arguments: list[str], said: str) -> None:
    status, output = plot(store, *arguments)
    assert status == 2
    assert said in " ".join(output.replace("│", " ").split())
