"""A materialization shows what it made: pictures in its metadata, as the UI renders them."""

import base64
import re

import dagster as dg
import pytest

from rugs_assets.domain import plots
from rugs_assets.orchestration import pictures
from rugs_assets_tests.orchestration.conftest import FIRST, Project

SHOWN = re.compile(r"!\[[^\]]+\]\(data:image/png;base64,([A-Za-z0-9+/=]+)\)")


def test_rows_and_steps_come_with_pictures(project: Project, instance: dg.DagsterInstance) -> None:
    result = project.run(FIRST, instance)
    assert result.success
    drawn = {
        (event.asset_key.to_user_string(), name): value.md_str
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None
        for name, value in event.materialization.metadata.items()
        if isinstance(value, dg.MarkdownMetadataValue)
    }
    assert set(drawn) == {
        ("observations", "game"),
        ("training_shards", "game"),
        ("training_shards", "features_and_actions"),
    }
    for text in drawn.values():
        found = SHOWN.fullmatch(text or "")
        assert found is not None
        png = base64.b64decode(found[1], validate=True)
        assert png.startswith(b"\x89PNG")
        assert len(png) <= pictures.LARGEST_PNG


def test_where_nothing_can_be_shown_the_metadata_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing() -> plots.Picture:
        raise plots.NothingToDraw("the date has no game")

    assert pictures._shown(nothing).md_str == "No picture: the date has no game."
    monkeypatch.setattr(pictures, "LARGEST_PNG", 2)
    assert pictures._shown(lambda: plots.Picture("big", b"abc")).md_str == (
        "No picture: 3 bytes are too many."
    )
