"""The page of results is made of what the tests told, and of nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from rugs_assets_tests.faults import reliability, told
from rugs_assets_tests.faults.reliability import BEGIN, END, PAGE, machine, page_with


def test_results_take_the_place_of_earlier_ones() -> None:
    kill = {"fault": "SIGKILL", "rounds": 50, "inside": 50, "thirds": [17, 16, 17], "new": 3}
    left = {"left": {"unfinished files": 4}, "missed": 1}
    page = page_with([{"fault": "SIGKILL"}, kill | left], f"a\n{BEGIN}\nold\n{END}\nz\n", "a PC")
    assert page.splitlines() == [
        "a",
        BEGIN,
        "a PC",
        "",
        "| fault | times | what came of it |",
        "| --- | --- | --- |",
        "| SIGKILL | 50 | 50 inside; 17, 16 and 17 in each third of its time; 1 came too late and"
        " were repeated; after 3 of them the new rows were committed already; left behind and"
        " swept: unfinished files (4x) |",
        END,
        "z",
    ]


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="the page lacks"):
        page_with([], "nothing", "")


def test_what_is_told_is_written_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, lines = tmp_path / "page.md", tmp_path / "told"
    told.tell("unheard")
    monkeypatch.setenv("RUGS_FAULTS_TOLD", str(lines))
    told.tell("a power cut", rounds=2, failed=0)
    page.write_text(f"{BEGIN}{END}", "utf-8")
    monkeypatch.setattr(reliability, "PAGE", page)
    reliability.main(lines)
    assert "| a power cut | 2 | 0 failed |" in page.read_text("utf-8")
    assert machine() in page.read_text("utf-8")


def test_the_page_in_the_docs_holds_results_of_a_run_in_which_nothing_failed() -> None:
    results = PAGE.read_text("utf-8").partition(BEGIN)[2].partition(END)[0]
    assert "Run on" in results
    assert "| hostile files |" in results
    assert "0 failed" in results
