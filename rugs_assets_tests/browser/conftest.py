"""A browser, a small project behind the web UI, and pictures of what was seen."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rugs_assets.lake.tables import Lake
from rugs_assets_tests.browser import site

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_WIDTH, _HEIGHT = 1280, 860

Shoot = Callable[[str], None]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's chromium, or the one that RUGS_TEST_CHROMIUM names; skipped without."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    named = os.environ.get("RUGS_TEST_CHROMIUM")
    path = named or next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        pytest.skip("no chromium here: apt-get install chromium, or name one: RUGS_TEST_CHROMIUM")
    with playwright.sync_playwright() as driver:
        # The sandbox wants rights that a container does not give; only our own pages are opened.
        opened = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def broken_game(
    tmp_path_factory: pytest.TempPathFactory, project_root: Path
) -> tuple[dict[str, str], str]:
    """A project in which one game of `TAMPERED` contradicts its seed; two dates materialized."""
    folder = tmp_path_factory.mktemp("site") / "project"
    environment = site.project_in(folder, project_root)
    game = site.contradict_seed(folder / "captures", site.TAMPERED)
    for day in (site.TAMPERED, site.TUNED):
        site.materialize(environment, project_root, day)
    return environment, game


@pytest.fixture(scope="session")
def ui(
    browser: Browser,
    broken_game: tuple[dict[str, str], str],
    tmp_path_factory: pytest.TempPathFactory,
    project_root: Path,
) -> Iterator[site.Site]:
    """Webserver and daemon, as `make ui` starts them."""
    environment, _ = broken_game
    log = tmp_path_factory.mktemp("log") / "dagster-dev.log"
    with site.serving(environment, project_root, log) as url:
        yield site.Site(url, Lake(environment["RUGS_STORE"]), environment)


@pytest.fixture
def page(browser: Browser, ui: site.Site) -> Iterator[Page]:
    """A tab; what it asks of any other machine than this one fails the test."""
    context = browser.new_context(
        viewport={"width": _WIDTH, "height": _HEIGHT}, base_url=ui.url, timezone_id="UTC"
    )
    context.set_default_timeout(site.PATIENCE * 1000)
    tab = context.new_page()
    abroad: list[str] = []
    tab.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((ui.url, "data:", "blob:"))
            else abroad.append(request.url)
        ),
    )
    yield tab
    context.close()
    assert not [url for url in abroad if not url.startswith(ui.url.replace("http", "ws"))]


@pytest.fixture
def shoot(page: Page, project_root: Path) -> Shoot:
    """Keeps a picture of the page in build/screenshots, for people to look at."""
    folder = project_root / "build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)

    def keep(name: str) -> None:
        page.wait_for_timeout(700)  # what slides in has arrived
        page.screenshot(path=folder / f"{name}.png")

    return keep
