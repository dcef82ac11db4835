"""The generated pages of the documentation say what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from rugs_assets.domain.features import FEATURE_NAMES
from rugs_assets.reference import PAGES, features_page


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_reference_page_is_what_the_code_gives(name: str, project_root: Path) -> None:
    page = project_root / "docs" / "reference" / name
    assert page.read_text() == PAGES[name](), "run `rugs-assets reference` and commit the page"


def test_every_feature_is_on_the_page_in_order() -> None:
    page = features_page()
    at = [page.index(f"| {index} | `{name}` |") for index, name in enumerate(FEATURE_NAMES)]
    assert at == sorted(at)
