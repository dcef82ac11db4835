"""The environment is read in one place, and read right."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest

from rugs_assets.settings import Settings, SettingsError


def test_defaults_lie_under_the_project_root(project_root: Path) -> None:
    settings = Settings.from_environment({})
    assert settings.captures == str(project_root / "data/captures")
    assert settings.store == str(project_root / "data/store")
    assert settings.start_date == date(2025, 10, 1)
    assert settings.dagster_home == project_root


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    empty = dict.fromkeys(("RUGS_CAPTURES", "RUGS_STORE", "RUGS_START_DATE", "DAGSTER_HOME"), "")
    assert Settings.from_environment(empty) == Settings.from_environment({})


def test_relative_paths_start_at_the_project_root_whatever_the_working_folder(
    project_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_environment({"RUGS_CAPTURES": "../captures", "RUGS_STORE": "s"})
    assert settings.captures == str(project_root / "../captures")
    assert settings.store == str(project_root / "s")


def test_a_url_stays_a_url_and_captures_are_decoded_to_local_disk(project_root: Path) -> None:
    settings = Settings.from_environment({"RUGS_STORE": "s3://bucket/rugs"})
    assert settings.store == "s3://bucket/rugs"
    assert settings.landing_cache == project_root / "data/landing"


@pytest.mark.parametrize("variable", ["RUGS_CAPTURES", "RUGS_STORE"])
def test_a_password_in_a_url_is_refused_and_not_repeated(variable: str) -> None:
    with pytest.raises(SettingsError, match=f"{variable} is a URL with credentials") as refused:
        Settings.from_environment({variable: "s3://key:hush@bucket/prefix"})
    assert "hush" not in str(refused.value)
    given = Settings.from_environment({variable: "s3://bucket/a@b"})
    assert "s3://bucket/a@b" in (given.captures, given.store)


def test_a_wrong_start_date_is_named() -> None:
    with pytest.raises(SettingsError, match=r"RUGS_START_DATE is '1\.10\.2025'"):
        Settings.from_environment({"RUGS_START_DATE": "1.10.2025"})


def settings_in(folder: Path, key: str | None = None) -> Settings:
    return Settings(
        home=folder,
        captures=str(folder / "captures"),
        store=str(folder / "store"),
        start_date=date(2025, 10, 1),
        dagster_home=folder,
        pseudonym_key_text=key,
    )


def test_the_pseudonym_key_is_made_once_for_its_owner_alone_and_outside_of_the_store(
    tmp_path: Path,
) -> None:
    settings = settings_in(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: settings.pseudonym_key(), range(16)))
    assert len(keys) == 1
    assert len(keys.pop()) == 64
    assert stat.S_IMODE(settings.pseudonym_key_file.stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["pseudonym.key"]
    assert not (tmp_path / "store").exists()


def test_the_pseudonym_key_of_the_environment_goes_first_and_is_never_shown(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, key="a secret")
    assert settings.pseudonym_key() == b"a secret"
    assert not settings.pseudonym_key_file.exists()
    assert "secret" not in repr(settings)


def test_an_emptied_key_file_is_an_error_and_not_a_new_key(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    settings.pseudonym_key()
    settings.pseudonym_key_file.write_text("")
    with pytest.raises(SettingsError, match="is empty"):
        settings.pseudonym_key()
