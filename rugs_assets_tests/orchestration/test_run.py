"""`make run`: every date, a table at the end, an exit status that means something."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from rugs_assets.domain.violations import Violations
from rugs_assets.lake.catalog import TRAINING_SHARDS
from rugs_assets.orchestration import rules, run
from rugs_assets_tests.orchestration.conftest import FIRST, SECOND, Project


def test_it_takes_every_date_and_says_where_it_lies(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run.main() == 0
    shown = capsys.readouterr().out
    lines = [line.split() for line in shown.splitlines()]
    steps = sum(int(line[7].replace(",", "")) for line in lines if line[:1] in ([FIRST], [SECOND]))
    assert steps == project.lake.read(TRAINING_SHARDS).count() > 0
    assert f"{project.settings.store}/training_shards" in shown


def test_it_goes_on_after_a_date_that_fails(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = Violations("holds", 1, ({"episode_id": "[red]g[/red]"},), cure="mend it")
    rule = rules.Rule("never", "Holds never.", lambda day, captures: broken)
    monkeypatch.setitem(rules.RULES, "episodes", (*rules.RULES["episodes"], rule))
    assert run.main() == 1
    shown = capsys.readouterr().out
    for date in (FIRST, SECOND):
        assert f"{date}: check never of episodes: holds: broken 1 times" in shown
    assert "first: episode_id='[red]g[/red]'. Cure: mend it" in shown
    assert project.lake.days(TRAINING_SHARDS) == []


def test_a_capture_that_cannot_be_opened_fails_its_dates_by_name(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    captures = project.root / "captures"
    shutil.copytree(project.settings.captures, captures)
    (captures / "cut_off.parquet").write_bytes(b"PAR1 and no footer")
    monkeypatch.setenv("RUGS_CAPTURES", str(captures))
    assert run.main() == 1
    assert f"{FIRST}: raw_ws_events: cut_off.parquet: cannot be opened" in capsys.readouterr().out


def test_where_no_capture_lies_it_simulates_some(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = project.root / "nowhere"
    monkeypatch.setenv("RUGS_CAPTURES", str(nowhere))
    monkeypatch.setattr(run, "SIMULATED", replace(run.SIMULATED, days=2, games_per_day=3))
    assert run.main() == 0
    assert f"No capture in {nowhere}" in capsys.readouterr().out
    assert len(project.lake.days(TRAINING_SHARDS)) == 2


def test_it_writes_nothing_into_a_folder_of_other_files(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    holiday = project.root / "holiday"
    holiday.mkdir()
    (holiday / "photo.png").write_bytes(b"\x89PNG")
    monkeypatch.setenv("RUGS_CAPTURES", str(holiday))
    assert run.main() == 2
    assert "holds files, such as photo.png, but no capture" in capsys.readouterr().out
    assert [path.name for path in holiday.iterdir()] == ["photo.png"]


def test_a_setting_that_is_wrong_is_named_and_nothing_runs(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUGS_START_DATE", "soon")
    assert run.main() == 2
    assert "RUGS_START_DATE is 'soon'" in capsys.readouterr().out
    assert not Path(project.environment["RUGS_STORE"]).exists()
