"""The pseudonym key is in nothing that a run leaves, says or shows, nor in what goes wrong."""

from __future__ import annotations

import base64
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from rugs_assets.cli import app
from rugs_assets.domain.simulator import Payload, Plan, write_simulation
from rugs_assets.orchestration import run
from rugs_assets.settings import Settings

KEY = "Zk7-this key must be nowhere-4Qx"
_FORMS = {
    "plain": KEY.encode(),
    "hex": KEY.encode().hex().encode(),
    "HEX": KEY.encode().hex().upper().encode(),
    "repr": repr(KEY.encode()).encode(),
    "reversed": KEY[::-1].encode(),
    # base64 of it at each of the three places it may have in a longer text, but for its ends
    **{f"base64 at {at}": base64.b64encode(b"x" * at + KEY.encode())[4:40] for at in range(3)},
}


def leaks(root: Path) -> Iterator[str]:
    """Files below a folder in which a form of the key stands."""
    for path in sorted(root.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            if path.suffix == ".db":
                with sqlite3.connect(path) as database:
                    data += "\n".join(database.iterdump()).encode("utf-8", "replace")
            yield from (f"{path.name}: {form}" for form, text in _FORMS.items() if text in data)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project_root: Path) -> Path:
    """A checkout's folders, with captures of one date, one of whose lines is broken."""
    plan = Plan(days=1, sessions=1, players=1, games_per_day=1, payload=Payload.LEAN)
    write_simulation(plan, tmp_path / "captures", truth=None)
    (capture,) = sorted((tmp_path / "captures").rglob("*.jsonl"))
    with capture.open("a") as file:
        file.write('{"id": "did:privy:someone", "username": "someone", "cut')
    (tmp_path / "home").mkdir()
    shutil.copy(project_root / "dagster.yaml", tmp_path / "home")
    for name, value in {
        "RUGS_CAPTURES": tmp_path / "captures",
        "RUGS_STORE": tmp_path / "store",
        "DAGSTER_HOME": tmp_path / "home",
        "RUGS_PSEUDONYM_KEY": KEY,
    }.items():
        monkeypatch.setenv(name, str(value))
    return tmp_path


@pytest.mark.parametrize("fails", [False, pytest.param(True, marks=pytest.mark.crash)])
def test_a_run_leaves_the_key_nowhere(
    fails: bool, project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    if fails:  # its error, too, is kept in the databases and logs of Dagster
        (project / "captures" / "cut.parquet").write_bytes(b"PAR1 and no footer")
    assert run.main() == int(fails)
    assert "pseudonym_key" not in repr(Settings.from_environment())
    printed = "".join(capfd.readouterr())
    assert not [form for form, text in _FORMS.items() if text.decode() in printed]
    assert sum(path.suffix == ".db" for path in (project / "home").rglob("*")) >= 3
    assert list(leaks(project)) == []
    (project / "leak").write_bytes(b"..." + KEY.encode().hex().encode())
    assert list(leaks(project)) == ["leak: hex"]  # the search finds what it looks for


def test_a_crash_of_the_command_line_does_not_show_what_its_variables_held() -> None:
    # Typer's own default prints the local variables of every function in the traceback.
    assert app.pretty_exceptions_show_locals is False


def test_a_key_file_that_others_may_read_is_closed(tmp_path: Path) -> None:
    settings = Settings(
        home=tmp_path, captures=str(tmp_path), store=str(tmp_path), dagster_home=tmp_path,
        start_date=Settings.from_environment({}).start_date,
    )  # fmt: skip
    made = settings.pseudonym_key()
    settings.pseudonym_key_file.chmod(0o644)
    assert settings.pseudonym_key() == made
    assert stat.S_IMODE(settings.pseudonym_key_file.stat().st_mode) == 0o600
