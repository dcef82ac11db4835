"""Pictures: the same data give the same bytes, small enough to keep, and each thing is drawn."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache

import matplotlib as mpl
import pyarrow as pa
import pytest
from matplotlib.figure import Figure

from rugs_assets.domain import plot_histograms, plots
from rugs_assets.domain.features import FEATURE_NAMES
from rugs_assets.domain.plots import NothingToDraw, Picture, choose_game, thinned
from rugs_assets.domain.simulator import Payload, Plan
from rugs_assets_tests.truth.played import Day, played

TABLES = {
    "episodes": "episodes",
    "observations": "observations",
    "aligned_samples": "samples",
    "raw_ws_events": "events",
}


@cache
def day() -> Day:
    plan = Plan(seed=4, players=1, games_per_day=2, payload=Payload.LEAN)
    return next(iter(played(plan).days.values()))


def read(name: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    table: pa.Table = getattr(day(), TABLES[name])
    yield from table.select(list(columns)).to_batches(max_chunksize=100)


def size(picture: Picture) -> tuple[int, int]:
    """Width and height, from the head of a PNG."""
    assert picture.png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", picture.png[16:24])
    return width, height


def test_a_game_is_drawn_as_wide_as_the_ui_shows_it() -> None:
    picture = plots.picture_of_game(read)
    assert size(picture) == (880, 528)
    assert 10_000 < len(picture.png) < 200_000
    assert picture.title in day().episodes["episode_id"].to_pylist()


def test_all_features_and_actions_are_drawn() -> None:
    rows = day().observations.num_rows
    picture = plots.picture_of_values(read, rows)
    assert size(picture)[0] == 880
    assert 10_000 < len(picture.png) < 200_000
    without = plots.picture_of_values(read, rows, sampled=False)
    assert size(without)[1] < size(picture)[1]


def test_the_same_data_give_the_same_bytes_whatever_the_users_style() -> None:
    first = plots.picture_of_game(read), plots.picture_of_values(read, 100)
    with mpl.rc_context({"lines.linewidth": 9, "font.size": 30, "savefig.dpi": 300}):
        second = plots.picture_of_game(read), plots.picture_of_values(read, 100)
    assert first == second


def test_presses_rewards_and_trades_are_in_the_picture() -> None:
    game = plots.picture_of_game(read).title
    drawn = {
        plots.picture_of_game(read, game, sampled=sampled, traded=traded).png
        for sampled in (True, False)
        for traded in (True, False)
    }
    assert len(drawn) == 4


def test_a_game_that_is_not_there_is_named() -> None:
    with pytest.raises(NothingToDraw, match="no game 20251215-ffffffffffffffff"):
        plots.picture_of_game(read, "20251215-ffffffffffffffff")


def test_a_date_without_games_has_nothing_to_draw() -> None:
    with pytest.raises(NothingToDraw, match="has no game"):
        plots.picture_of_game(lambda *_: ())


def test_a_game_whose_rows_never_became_samples_is_drawn() -> None:
    unplayed = day().episodes.filter(pa.array([e is not None for e in excluded()]))
    game = str(unplayed["episode_id"][0].as_py())
    assert size(plots.picture_of_game(read, game))[0] == 880


def excluded() -> list[str | None]:
    return day().episodes["excluded_because"].to_pylist()


def episodes(**columns: list[object]) -> list[pa.RecordBatch]:
    usual: dict[str, list[object]] = {
        "excluded_because": [None, None, None],
        "has_player": [True, True, True],
        "rows": [5, 9, 7],
    }
    table = pa.table({"episode_id": ["a", "b", "c"], **(usual | columns)})
    return table.to_batches()


def test_the_game_with_most_actions_shows_most() -> None:
    acted = pa.RecordBatch.from_pydict(
        {"episode_id": ["b", "c", "c", "a"], "action": pa.array([1, 2, 1, 0], pa.int8())}
    )
    assert choose_game(episodes(), [acted]) == "c"


def test_without_actions_the_longest_kept_game_does() -> None:
    assert choose_game(episodes()) == "b"
    assert choose_game(episodes(excluded_because=[None, "incomplete", None])) == "c"
    assert choose_game(episodes(has_player=[True, False, False])) == "a"
    assert choose_game([]) is None


@pytest.mark.parametrize("shown", [1, 3, 10, 100])
def test_thinned_rows_are_evenly_spread_however_they_are_cut(shown: int) -> None:
    numbers = pa.table({"n": list(range(100))})
    step = -(-100 // shown)
    for size_of_batch in (1, 7, 100):
        found = thinned(numbers.to_batches(max_chunksize=size_of_batch), 100, shown=shown)
        assert found["n"].to_pylist() == list(range(0, 100, step))


def test_matplotlib_is_imported_when_something_is_drawn() -> None:
    program = "import sys, rugs_assets.domain.plots; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_panels_of_the_features_share_their_axes(monkeypatch: pytest.MonkeyPatch) -> None:
    figures: list[Figure] = []

    def seen(figure: Figure) -> bytes:
        figures.append(figure)
        return b""

    monkeypatch.setattr(plot_histograms, "as_png", seen)
    plots.picture_of_values(read, day().observations.num_rows)
    features, actions, adjusts = figures[0].axes
    written = [text.get_text() for text in features.texts]
    assert [name for name in FEATURE_NAMES if name not in written] == []
    assert [axes.get_title() for axes in (actions, adjusts)] == ["action", "adjust"]
