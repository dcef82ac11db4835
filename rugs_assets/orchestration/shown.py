"""What a materialization shows of its rows: totals, a preview, the features in numbers, pictures.

Everything is read from the rows that were just stored. Sizes are bounded: a table has at most
`MOST_ROWS` rows, a preview `PREVIEW_ROWS`, whatever the date holds. Counting is the domain's; the
form is here.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
import numpy as np

from rugs_assets.domain import tallies
from rugs_assets.domain.feature_summary import SUMMARY_COLUMNS, FeatureSummary, summary_of
from rugs_assets.domain.features import FEATURES
from rugs_assets.lake import catalog
from rugs_assets.lake.specs import TableSpec
from rugs_assets.orchestration import pictures
from rugs_assets.orchestration.day import Day

MOST_ROWS = 40
PREVIEW_ROWS = 6
_LONGEST = 60
Shown = dict[str, Any]

_COLUMNS: Mapping[str, Sequence[str]] = {
    "raw_ws_events": ("received_at", "event", "episode_id", "tick", "price", "source_position"),
    "episodes": ("episode_id", "ticks", "rug_price", "peak_price", "fairness", "excluded_because"),
    "observations": ("episode_id", "frame", "tick", "price", "game_phase", "balance"),
    "aligned_samples": ("episode_id", "frame", "action", "order_amount", "reward", "done"),
    "training_shards": ("episode_id", "step", "tick", "price", "action", "reward", "split"),
}
"""Asset -> the columns of its preview: as many as can be read side by side."""


def of_raw_ws_events(day: Day, counted: Mapping[str, Any]) -> Shown:
    """Events by what became of them, lines by why they were rejected, clocks."""
    table = catalog.RAW_WS_EVENTS
    kept = {f"used: {name}": rows for name, rows in counted["used_by_name"].items()}
    kept |= {f"ignored: {name}": rows for name, rows in counted["ignored_by_name"].items()}
    rejected = tallies.by_value(day.batches(catalog.REJECTED_INPUT, ["reason"]), "reason")
    is_context = tallies.by_value(day.batches(table, ["is_context"]), "is_context")
    named = {"True": "context: the state before the date's games", "False": "used events"}
    rows = {named[name]: count for name, count in is_context.items()}
    clocks = [{"session": name, "clock": clock} for name, clock in counted["clocks"].items()]
    return {
        "sessions": counted["sessions"],
        "events_kept": totals(kept, "kept"),
        "events_repeated_across_files": counted["repeated"],
        "lines_rejected": totals(rejected, "rejected"),
        "rows_stored": totals(rows, "stored"),
        "clocks": as_table(clocks, ("session", "clock")),
        "rejected_input": dg.MetadataValue.path(day.lake.uri(catalog.REJECTED_INPUT)),
        "preview": preview(day, table),
    }


def of_episodes(day: Day) -> Shown:
    """Games kept and excluded, and what is known of their fairness."""
    table = catalog.EPISODES
    games = day.table(table, ["excluded_because", "fairness"]).to_batches()
    return {
        "games": totals(tallies.by_value(games, "excluded_because", none="kept"), "games"),
        "fairness": totals(tallies.by_value(games, "fairness"), "verdict"),
        "preview": preview(day, table),
    }


def of_observations(day: Day) -> Shown:
    """Rows by phase, the 36 in numbers, the game that shows most."""
    table = catalog.OBSERVATIONS
    phases = tallies.by_phase(day.batches(table, ["game_phase"]))
    return {
        "rows_by_phase": totals(phases, "phase"),
        "features": features_table(summary_of(day.batches(table, SUMMARY_COLUMNS))),
        "preview": preview(day, table),
        **pictures.of_observations(day),
    }


def of_aligned_samples(day: Day) -> Shown:
    """Decisions by action, presses by what became of them."""
    table = catalog.ALIGNED_SAMPLES
    left = tallies.by_value(day.batches(catalog.UNALIGNED_ACTIONS, ["reason"]), "reason")
    presses = {"aligned": tallies.presses_on(day.batches(table, ["action", "adjust"]))}
    presses |= {f"unaligned: {reason}": count for reason, count in left.items()}
    return {
        "decisions": totals(tallies.by_action(day.batches(table, ["action"])), "decisions"),
        "presses": totals(presses, "presses"),
        "unaligned_actions": dg.MetadataValue.path(day.lake.uri(catalog.UNALIGNED_ACTIONS)),
        "preview": preview(day, table),
    }


def of_training_shards(day: Day, manifest: Mapping[str, Any], manifest_uri: str) -> Shown:
    """Games, steps and decisions of each split, and pictures of rewards and features."""
    splits = [
        {"split": split, **{k: v for k, v in counts.items() if k != "actions"}, **counts["actions"]}
        for split, counts in manifest["splits"].items()
    ]
    columns = tuple(splits[0]) if splits else ("split",)
    whole = {name: sum(split[name] for split in splits) for name in columns[1:]}
    return {
        "splits": as_table([*splits, {"split": "total", **whole}], columns),
        "manifest": dg.MetadataValue.path(manifest_uri),
        "preview": preview(day, catalog.TRAINING_SHARDS),
        **pictures.of_shards(day),
    }


def totals(counts: Mapping[str, int], of_what: str) -> dg.TableMetadataValue:
    """Kinds and how many of each, and below them their sum; what is too long is summed up."""
    kinds = list(counts.items())
    if len(kinds) >= MOST_ROWS:
        rest = kinds[MOST_ROWS - 2 :]
        others = (f"{len(rest)} others", sum(count for _, count in rest))
        kinds = [*kinds[: MOST_ROWS - 2], others]
    rows = [{of_what: name, "count": count} for name, count in kinds]
    rows.append({of_what: "total", "count": sum(counts.values())})
    return as_table(rows, (of_what, "count"))


def features_table(summary: FeatureSummary) -> dg.TableMetadataValue:
    """One row a feature."""
    numbers = {
        "mean": summary.mean,
        "std": summary.std,
        "min": summary.least,
        "max": summary.greatest,
    }
    shares = {"zero %": summary.zeros, "observed %": summary.observed}
    return as_table(
        [
            {"feature": feature.name}
            | {name: float(f"{values[at]:.4g}") for name, values in numbers.items()}
            | {name: round(float(values[at]) * 100, 1) for name, values in shares.items()}
            | {"unit": feature.unit}
            for at, feature in enumerate(FEATURES)
        ],
        ("feature", *numbers, *shares, "unit"),
    )


def preview(day: Day, table: TableSpec) -> dg.TableMetadataValue:
    """A few rows, spread over the first of the date."""
    columns = _COLUMNS[table.name]
    first = next((batch for batch in day.batches(table, columns) if batch.num_rows), None)
    if first is None:
        return as_table([], columns)
    at = np.unique(np.linspace(0, first.num_rows - 1, PREVIEW_ROWS).astype(np.int64))
    return as_table(first.take(at).to_pylist(), columns)


def as_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> dg.TableMetadataValue:
    """A table of the UI; a cell holds a number, a text or nothing, and none is endless."""
    shown = [{name: _cell(row.get(name)) for name in columns} for row in rows[:MOST_ROWS]]
    if len(rows) > MOST_ROWS:
        shown[-1] = dict.fromkeys(columns) | {columns[0]: f"... {len(rows) - MOST_ROWS + 1} more"}
    return dg.MetadataValue.table(
        records=[dg.TableRecord(row) for row in shown],
        schema=dg.TableSchema(columns=[dg.TableColumn(name) for name in columns]),
    )


def _cell(value: object) -> str | int | float | bool | None:
    if isinstance(value, float):
        return float(f"{value:.6g}") if np.isfinite(value) else str(value)
    if value is None or isinstance(value, (bool, int)):
        return value
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
