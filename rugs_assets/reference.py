"""The reference pages that are made from the code; here those of the data.

In: the declarations of the domain and the lake. Out: Markdown, by file name. A test holds the pages
under docs/reference to what these functions give, so that no page can lie. The pages of the graph
and of the command line stand in `reference_graph` and `reference_cli`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from rugs_assets.domain.features import FEATURES, FEATURES_VERSION, Feature, features_digest
from rugs_assets.domain.rewards import REWARDS
from rugs_assets.lake.catalog import TABLES
from rugs_assets.markdown import page, table
from rugs_assets.reference_cli import commands_page
from rugs_assets.release_reference import releases_page

_ROOT = Path(__file__).resolve().parent.parent


def features_page() -> str:
    """The 36 features."""
    rows = [
        (
            index,
            f"`{feature.name}`",
            feature.source,
            feature.unit,
            feature.carry.value,
            f"{feature.default:g}",
            _range(feature),
            ", ".join(f"`{part}`" for part in feature.made_of),
        )
        for index, feature in enumerate(FEATURES)
    ]
    header = ("i", "name", "source", "unit", "carry", "default", "range", "made of")
    about = (
        f"Version {FEATURES_VERSION}, digest `{features_digest()}`. All are float32 and finite. "
        "*Carry* is how far the last known value lasts; a value never seen is the default. Bit *i* "
        "of `observed` says that feature *i* rests on a received value within its carry scope; the "
        "bit of a derived feature is set when all it is made of is observed."
    )
    return page("The 36 features", about, table(header, rows))


def tables_page() -> str:
    """The columns of every table."""
    parts = []
    for spec in TABLES:
        rows = [
            (
                f"`{column.name}`",
                column.type,
                "yes" if column.nullable else "",
            )
            for column in spec.schema
        ]
        head = f"## {spec.name}\n\nSchema version {spec.schema_version}. "
        head += f"Row groups of {spec.row_group_rows:,} rows, {spec.compression}."
        parts.append(head + "\n\n" + table(("column", "type", "may be null"), rows))
    about = (
        "Each is a Delta table at `RUGS_STORE/<name>`, with the partition column `capture_date`."
    )
    return page("Tables", about, "\n\n".join(parts))


def rewards_page() -> str:
    """The rewards that can be chosen."""
    rows = [
        (f"`{reward.name}`", reward.version, reward.unit, reward.description)
        for reward in REWARDS.values()
    ]
    about = (
        "Chosen by name in the configuration of `aligned_samples`. At the rug the settlement "
        "counts: forced sales and side-bet payouts that arrive after the rug frame and before the "
        "next presale opens. Where the balance is not known at either end the reward is 0."
    )
    return page("Rewards", about, table(("name", "version", "unit", "meaning"), rows))


def decisions_page() -> str:
    """The decisions, by their headings."""
    rows = []
    for path in sorted((_ROOT / "docs" / "adr").glob("[0-9]*.md")):
        text = path.read_text(encoding="utf-8")
        number, _, title = text.partition("\n")[0].removeprefix("# ").partition(". ")
        status = re.search(r"^\**Status:\** *(.+)$", text, re.MULTILINE)
        told = "accepted" if status is None else status[1]
        rows.append((number, f"[{title}](../adr/{path.name})", told))
    about = (
        "Why it is so, and what was considered instead. A decision that is given up says by which."
    )
    return page("Decisions", about, table(("", "decision", "status"), rows))


def _of_graph(name: str) -> Callable[[], str]:
    """A page of `reference_graph`, which imports Dagster: a second that no other command pays."""

    def made() -> str:
        from rugs_assets import reference_graph

        made_by: Callable[[], str] = getattr(reference_graph, name)
        return made_by()

    return made


PAGES: dict[str, Callable[[], str]] = {
    "automation.md": _of_graph("automation_page"),
    "checks.md": _of_graph("checks_page"),
    "command-line.md": commands_page,
    "configuration.md": _of_graph("configuration_page"),
    "decisions.md": decisions_page,
    "features.md": features_page,
    "releases.md": releases_page,
    "rewards.md": rewards_page,
    "tables.md": tables_page,
}
"""File name under docs/reference -> what makes it."""


def reference(
    out: Annotated[Path, typer.Option(help="Folder of the pages.")] = Path("docs/reference"),
) -> None:
    """Write the reference pages that are made from the code."""
    out.mkdir(parents=True, exist_ok=True)
    for name, made in PAGES.items():
        (out / name).write_text(made(), encoding="utf-8")
        typer.echo(f"{out / name}")


def _range(feature: Feature) -> str:
    if feature.low is None and feature.high is None:
        return ""
    low = (
        "(-inf" if feature.low is None else f"{'(' if feature.low_is_open else '['}{feature.low:g}"
    )
    high = "inf)" if feature.high is None else f"{feature.high:g}]"
    return f"{low}, {high}"
