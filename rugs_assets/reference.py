"""The reference pages that are made from the code: features, tables, rewards.

In: the declarations of the domain and the lake. Out: Markdown, by file name. A test holds the pages
under docs/reference to what these functions give, so that no page can lie.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from rugs_assets.domain.features import FEATURES, FEATURES_VERSION, Feature, features_digest
from rugs_assets.domain.rewards import REWARDS
from rugs_assets.lake.catalog import TABLES

_MADE = "Made from the code by `rugs-assets reference`; change the code, not this page."


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
    return _page("The 36 features", about, _table(header, rows))


def tables_page() -> str:
    """The columns of every table."""
    parts = []
    for spec in TABLES:
        rows = [
            (
                f"`{column.name}`",
                str(column.type).replace("|", "\\|"),
                "yes" if column.nullable else "",
            )
            for column in spec.schema
        ]
        head = f"## {spec.name}\n\nSchema version {spec.schema_version}. "
        head += f"Row groups of {spec.row_group_rows:,} rows, {spec.compression}."
        parts.append(head + "\n\n" + _table(("column", "type", "may be null"), rows))
    about = (
        "Each is a Delta table at `RUGS_STORE/<name>`, with the partition column `capture_date`."
    )
    return _page("Tables", about, "\n\n".join(parts))


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
    return _page("Rewards", about, _table(("name", "version", "unit", "meaning"), rows))


PAGES: dict[str, Callable[[], str]] = {
    "features.md": features_page,
    "rewards.md": rewards_page,
    "tables.md": tables_page,
}
"""File name under docs/reference -> what makes it."""


def reference(
    out: Annotated[Path, typer.Option(help="Folder of the pages.")] = Path("docs/reference"),
) -> None:
    """Write the reference pages that are made from the code."""
    out.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (out / name).write_text(page(), encoding="utf-8")
        typer.echo(f"{out / name}")


def _range(feature: Feature) -> str:
    if feature.low is None and feature.high is None:
        return ""
    low = (
        "(-inf" if feature.low is None else f"{'(' if feature.low_is_open else '['}{feature.low:g}"
    )
    high = "inf)" if feature.high is None else f"{feature.high:g}]"
    return f"{low}, {high}"


def _page(title: str, about: str, body: str) -> str:
    return f"# {title}\n\n{_MADE}\n\n{about}\n\n{body}\n"


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    return "\n".join([*lines, *("| " + " | ".join(map(str, row)) + " |" for row in rows)])
