"""The page of figures is made from the JSON of a run, and says what was missed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import report
from benchmarks.corpus import Corpus
from benchmarks.loader_targets import ARROW, BATCHES, COLD, LIMIT, OPENING, OWN, minibatches_of
from benchmarks.measuring import Measured, measure, together
from benchmarks.rows import row_of
from benchmarks.stages import Stages
from rugs_assets.domain.simulator import Plan, write_simulation


def measured(name: str, *cpu: float) -> Measured:
    return Measured(name, list(cpu), [2 * seconds for seconds in cpu], counted=100)


def result(chain: float) -> dict[str, Any]:
    bare, group = measured(report.BARE, 1.0, 3.0, 2.0), f"{report.CHAIN_GROUP}: simulated"
    rows = [row_of(bare, group, bytes_=10**6, reference=bare)]
    whole = measured(report.CHAIN, 1.0 / chain, 3.0 / chain, 2.0 / chain)
    rows.append(row_of(whole, group, bytes_=10**6, reference=bare) | {"times_plan": 5.0})
    rows += [row_of(measured(n, t), report.PROCESSES) for n, t in (("1", 2.0), ("2", 1.0))]
    rows += [row_of(measured(n, t), report.TINY) for n, t in (("many", 3.0), ("one", 1.0))]
    machine = {"taken_at": "today", "processor": "p", "cores": 2, "memory_gib": 8, "system": "s"}
    machine |= {"python": "3.11", "load_at_start": [0.1], "libraries": {"numpy": "2"}}
    told = {"machine": machine, "rounds": 3, "rows": rows, "corpora": {"simulated": {"lines": 5}}}
    return told | {"dagster_seconds_a_date": 1.0, "curves_a_second": 9}


@pytest.mark.parametrize(("chain", "verdict"), [(0.75, "met"), (0.5, "**missed**")])
def test_the_page_holds_results_beside_targets(chain: float, verdict: str) -> None:
    page = report.page(result(chain))
    goals = [line for line in page.splitlines() if "bare typed decode |" in line]
    assert goals[0].endswith(f"| >= 0.7 x | {chain:.2f} x | {verdict} |")
    assert "| tiny files beside one file | <= 1.5 x | 3.00 x | **missed** |" in page
    assert f"| {report.BARE} | 2.000 | 100% | 4.000 | 100 | 50 | 0 | 1.00 |  |" in page


def test_the_loader_stands_among_the_targets_with_the_time_of_its_own_run() -> None:
    found = {(OPENING, ARROW): 1.0, (OPENING, COLD): 1.6}
    for group in map(minibatches_of, BATCHES):
        found |= {(group, LIMIT): 10.0, (group, OWN): 9.5}
    rows = [{"group": g, "name": n, "value": v, "spread": 0.1} for (g, n), v in found.items()]
    page = report.page(result(0.5) | {"loader": {"taken_at": "yesterday", "rows": rows}})
    assert "| random minibatches of 256 beside numpy take(out=) | >= 0.9 x | 0.95 x | met |" in page
    assert "beside pyarrow | <= 1.5 x | 1.60 x | **missed** |" in page
    assert "Taken at yesterday" in page


def test_the_profile_is_given_the_figures_of_the_run() -> None:
    told = result(0.5)
    for size, cpu in ((10, 0.001), (400, 0.040)):
        look = Measured(report.LOOK, [cpu], [cpu], counted=size)
        told["rows"].append(row_of(look, f"{report.GROWTH} of {size} dates"))
    found = report.figures(told)
    assert (found["taken"], found["left"], found["look"]) == ("2.0", "0.9", "0.10 ms")
    assert "3 interleaved rounds, 9 of one date in a store" in report.page(told)


def test_ratios_are_those_of_the_same_round() -> None:
    fast, slow = measured("fast", 1.0, 10.0, 2.0), measured("slow", 2.0, 20.0, 4.0)
    assert fast.times(slow) == 2.0
    assert together([fast, slow], "both").cpu == [3.0, 30.0, 6.0]


def test_stages_make_what_a_corpus_holds(tmp_path: Path) -> None:
    write_simulation(Plan(days=1, games_per_day=2), tmp_path / "captures", truth=None)
    stages = Stages(tmp_path / "captures", tmp_path / "work")
    corpus = Corpus("simulated", tmp_path / "captures")
    found = measure(stages.parts(), 1, before=stages.forget)
    lines = corpus.described()["lines"]
    assert found["decode captures"].counted == lines
    steps, rows = found["training_shards"].counted, found["observations"].counted
    assert 0 < steps <= rows <= int(str(lines))
