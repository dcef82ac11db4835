"""The reference pages that are made from the graph: checks, configuration, jobs.

In: the definitions of Dagster and the rules of `orchestration`. Out: Markdown. Nothing is said here
that the UI does not show as well; the pages are for those who read before they run.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from rugs_assets.markdown import one_line, page, table
from rugs_assets.orchestration.build import build_defs
from rugs_assets.orchestration.rules import RULES
from rugs_assets.orchestration.stages import STAGES
from rugs_assets.settings import READ_BY_OTHERS, VARIABLES, Settings

_ROOT = Path(__file__).resolve().parent.parent


def checks_page() -> str:
    """What every date is held to."""
    parts = []
    for asset, rules in RULES.items():
        rows = [
            (
                f"`{rule.name}`",
                "yes" if rule.blocking else "",
                "error" if rule.blocking or rule.is_error else "warning",
                rule.description,
            )
            for rule in rules
        ]
        header = ("check", "blocks", "when broken", "promise")
        parts.append(f"## {asset}\n\n{table(header, rows)}")
    parts.append("## Answers\n\n" + table(("check", "of", "promise"), _answers()))
    about = (
        "A check that blocks stops the assets after it in the same run, and `training_shards` and"
        " releases judge the blocking rules of their inputs themselves, so that a bad date cannot"
        " get past in a later run either."
    )
    return page("Checks", about, "\n\n".join(parts))


def _answers() -> list[tuple[str, str, str]]:
    """The checks of the graph that are no rule of a table: they sum up for a person."""
    graph = build_defs(settings=Settings.from_environment({})).resolve_asset_graph()
    rules = {(asset, rule.name) for asset, of_asset in RULES.items() for rule in of_asset}
    return [
        (
            f"`{key.name}`",
            key.asset_key.to_user_string(),
            one_line(graph.get_check_spec(key).description),
        )
        for key in sorted(graph.asset_check_keys)
        if (key.asset_key.to_user_string(), key.name) not in rules
    ]


def configuration_page() -> str:
    """What can be set, and where."""
    variables = [
        (f"`{name}`", known.meaning, known.told or f"`{known.default}`")
        for name, known in (VARIABLES | READ_BY_OTHERS).items()
    ]
    parts = [
        "## Of a machine: the environment\n\nRelative paths start at the project root;"
        " `rugs_assets.settings` is the only reader of the environment in this package.\n\n"
        + table(("variable", "meaning", "default"), variables),
        "## Of a run: the launchpad\n\nShown there with the same words. The values are part of the"
        " provenance of the rows: with other values a date is computed anew, and the assets after"
        " it are stale until they are too.",
    ]
    for name, fields in _tuned(build_defs(settings=Settings.from_environment({}))):
        parts.append(f"### {name}\n\n" + table(("name", "type", "default", "meaning"), fields))
    yaml = (_ROOT / "dagster.yaml").read_text(encoding="utf-8").rstrip()
    parts.append(
        f"## Of Dagster: dagster.yaml\n\nIt lies in `DAGSTER_HOME`.\n\n```yaml\n{yaml}\n```"
    )
    return page("Configuration", "Three places, by how far a setting reaches.", "\n\n".join(parts))


def automation_page() -> str:
    """Jobs, schedules and sensors."""
    repository = build_defs(settings=Settings.from_environment({})).get_repository_def()
    jobs = [
        (f"`{job.name}`", one_line(job.description))
        for job in sorted(repository.get_all_jobs(), key=lambda job: job.name)
        if not job.name.startswith("__")
    ]
    schedules = [
        (
            f"`{each.name}`",
            f"`{each.cron_schedule}`",
            each.default_status.value.lower(),
            one_line(each.description),
        )
        for each in sorted(repository.schedule_defs, key=lambda each: each.name)
    ]
    sensors = [
        (
            f"`{each.name}`",
            f"{each.minimum_interval_seconds} s",
            each.default_status.value.lower(),
            one_line(each.description),
        )
        for each in sorted(repository.sensor_defs, key=lambda each: each.name)
    ]
    parts = [
        "## Jobs\n\n" + table(("job", "what it does"), jobs),
        "## Schedules\n\n"
        + table(("schedule", "when (cron, UTC)", "at first", "what it does"), schedules),
        "## Sensors\n\n" + table(("sensor", "looks every", "at first", "what it does"), sensors),
    ]
    about = "Schedules and sensors are switched on and off in the UI under Automation."
    return page("Jobs, schedules, sensors", about, "\n\n".join(parts))


def _tuned(defs: dg.Definitions) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    """Every op that is configured: its name, and a row for each of its settings."""
    found: dict[str, list[tuple[str, ...]]] = {stage.name: [] for stage in STAGES}
    jobs = defs.get_repository_def().get_all_jobs()
    for job in sorted(jobs, key=lambda job: job.name):
        for node in job.graph.node_defs:
            rows = list(_rows_of(node))
            if rows:
                found[node.name] = rows
    # The assets in the order of the data flow, then whatever else is configured.
    yield from ((name, rows) for name, rows in found.items() if rows)


def _rows_of(node: Any) -> Iterator[tuple[str, ...]]:
    schema = getattr(node, "config_schema", None)
    fields = getattr(schema and schema.config_type, "fields", None) or {}
    for name, field in fields.items():
        default = f"`{field.default_value!r}`" if field.default_provided else "must be given"
        yield f"`{name}`", _type_of(field.config_type), default, one_line(field.description)


def _type_of(kind: Any) -> str:
    """A type in words; that a default may be left empty is not told."""
    inner = getattr(kind, "inner_type", None)
    if kind.kind.value == "NONEABLE":
        return _type_of(inner)
    if kind.kind.value == "ARRAY":
        return f"list of {_type_of(inner)}"
    if kind.kind.value == "SCALAR_UNION":
        return _type_of(kind.scalar_type)
    return str(kind.given_name or kind.kind.value).lower()
