"""`rugs-assets doctor`: everything that can be wrong around the graph, and the command against it.

In: the environment. Out: findings, the lake's among them. Invariants: nothing is made, migrated or
mended by looking. Belongs here: the environment and Dagster itself. Goes elsewhere: what needs no
Dagster (`rugs_assets.lake.*_health`), showing it (`rugs_assets.doctor_cli`).
"""

import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import dagster as dg
from packaging.requirements import Requirement

from rugs_assets.lake.capture_health import CaptureHealth
from rugs_assets.lake.findings import Finding, Judge, finding_of, judged
from rugs_assets.lake.machine_health import clock, disk_space, now_utc, pseudonym_key
from rugs_assets.lake.storage import open_store
from rugs_assets.lake.store_health import StoreHealth
from rugs_assets.orchestration.database_health import DatabaseHealth
from rugs_assets.settings import Settings, SettingsError

_PYTHON = ((3, 11), (3, 14))
_MEND = "`make run` makes the environment anew where the lock changed; elsewhere `pip install`"


def findings(settings: Settings | None = None, *, deep: bool = False) -> list[Finding]:
    """Look at everything.

    Args:
        settings: where things lie; default: the environment's.
        deep: read every byte that is stored.
    """
    try:
        settings = settings or Settings.from_environment()
    except SettingsError as error:
        cure = "correct the variable; the table of settings is docs/reference/configuration.md"
        return [Finding("settings", "error", str(error), cure)]
    return judged(_judges(settings, deep=deep))


def _judges(settings: Settings, *, deep: bool) -> Iterator[tuple[str, Judge]]:
    yield "python", lambda: python(sys.version_info[:2])
    yield "packages", lambda: packages(settings.home)
    yield "settings", lambda: settings_valid(settings)
    databases = DatabaseHealth(settings.dagster_home, settings.dagster_home_text)
    yield from databases.judges()
    yield "code_location", lambda: code_location(settings)
    try:
        # Whatever else is judged depends on whether the store holds anything.
        store = StoreHealth(open_store(settings.store), settings.landing_cache)
        is_used = store.has_rows
    except Exception as error:  # noqa: BLE001 - whatever it is, what was found so far is told
        told = f"{type(error).__name__}: {error}"
        yield "store", lambda: _no_store(told)
        return
    captures = CaptureHealth(settings.captures, settings.landing_cache, is_used=is_used)
    yield from captures.judges()
    yield from store.judges(deep=deep)
    yield "disk_space", lambda: _disk(settings, store, captures)
    yield (
        "pseudonym_key",
        lambda: pseudonym_key(
            settings.pseudonym_key_file, settings.pseudonym_key_text, is_used=is_used
        ),
    )
    yield "clock", lambda: _clock(settings, store, captures)


def python(version: tuple[int, ...]) -> Finding:
    """The interpreter is one that the package is made for."""
    oldest, newest = (".".join(map(str, each)) for each in _PYTHON)
    told = f"Python {'.'.join(map(str, version))}"
    if _PYTHON[0] <= version <= _PYTHON[1]:
        return Finding("python", "ok", told)
    wanted = f"{oldest} to {newest}"
    return Finding(
        "python", "error", f"{told}; {wanted} are needed", "`make PYTHON=python3.12 run`"
    )


def packages(home: Path) -> Finding:
    """Every package that is needed is installed in a version that fits; in a checkout, the locked.

    Args:
        home: the checkout, or any folder where the package is installed.
    """
    wrong, drifted = [], []
    locked = _locked(home)
    for requirement in _required(home):
        found = _installed(requirement.name)
        if found is None:
            wrong.append(f"{requirement.name} is not installed, {requirement} is needed")
        elif not requirement.specifier.contains(found, prereleases=True):
            wrong.append(f"{requirement.name} is {found}, {requirement} is needed")
        elif locked.get(requirement.name.lower(), found) != found:
            version = locked[requirement.name.lower()]
            drifted.append(f"{requirement.name} is {found}, tested with {version}")
    if wrong:
        return finding_of("packages", wrong, "", _MEND)
    well = "every package is the one of requirements.lock" if locked else "every package fits"
    return finding_of("packages", drifted, well, _MEND, level="warn")


def settings_valid(settings: Settings) -> Finding:
    """What the environment says can be used; told in full, but for the key."""
    told = (
        f"captures {settings.captures}, store {settings.store}, first date"
        f" {settings.start_date}, DAGSTER_HOME {settings.dagster_home}"
    )
    return Finding("settings", "ok", told)


def code_location(settings: Settings) -> Finding:
    """The graph can be put together."""
    # Imported here, so that code that cannot be imported is a finding and not the end of all.
    from rugs_assets.orchestration.build import build_defs

    defs = build_defs(settings=settings)
    dg.Definitions.validate_loadable(defs)
    graph = defs.resolve_asset_graph()
    assets, checks = len(graph.get_all_asset_keys()), len(graph.asset_check_keys)
    return Finding("code_location", "ok", f"{assets} assets, {checks} checks")


def _no_store(told: str) -> Finding:
    return Finding("store", "error", told, "correct RUGS_STORE, a folder or a URL, or its rights")


def _disk(settings: Settings, store: StoreHealth, captures: CaptureHealth) -> Finding:
    places = [settings.landing_cache, settings.dagster_home]
    if "://" not in settings.store:
        places.append(Path(settings.store))
    return disk_space(places, largest_date=store.largest_date, to_decode=captures.bytes_to_decode)


def _clock(settings: Settings, store: StoreHealth, captures: CaptureHealth) -> Finding:
    latest = list(store.last_commits())
    changed, path = captures.newest
    latest.append((datetime.fromtimestamp(changed, UTC), f"the capture {path}"))
    return clock(now_utc(), latest, settings.start_date)


def _required(home: Path) -> list[Requirement]:
    """What the package needs: as the checkout says, or else as it was installed."""
    declared = home / "pyproject.toml"
    if declared.is_file():
        project = tomllib.loads(declared.read_text(encoding="utf-8"))["project"]
        return [Requirement(line) for line in project["dependencies"]]
    lines = metadata.requires("rugs_assets") or []
    found = map(Requirement, lines)
    return [each for each in found if each.marker is None or each.marker.evaluate({"extra": ""})]


def _locked(home: Path) -> dict[str, str]:
    """Package -> the version of the lock; empty where there is no checkout."""
    lock = home / "requirements.lock"
    if not lock.is_file():
        return {}
    lines = lock.read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line.removesuffix("\\").strip()) for line in lines if "==" in line[:60]]
    # The lock is for every Python: a package may be there twice, each with its marker.
    here = [pin for pin in pins if pin.marker is None or pin.marker.evaluate()]
    return {pin.name.lower(): str(pin.specifier).removeprefix("==") for pin in here}


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
