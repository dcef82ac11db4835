"""The reference page of the command line `rugs-assets`, made from the commands themselves.

In: the application. Out: Markdown: for each command what it does, its arguments and its options.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import typer.main

from rugs_assets.markdown import one_line, page, table


def commands_page() -> str:
    """Every command with its options."""
    from rugs_assets.cli import app  # it has the command that makes these pages

    about = (
        "What the command line of Dagster does not cover; `--help` says the same in the terminal."
    )
    parts = list(_sections(typer.main.get_command(app), "rugs-assets"))
    return page("The command line", about, "\n\n".join(parts))


def _sections(command: Any, name: str) -> Iterator[str]:
    below: dict[str, Any] = getattr(command, "commands", {})
    if not below:
        yield f"## {name}\n\n{_described(command)}"
    for word in sorted(below):
        yield from _sections(below[word], f"{name} {word}")


def _described(command: Any) -> str:
    parts = ["\n\n".join(one_line(part) for part in (command.help or "").split("\n\n"))]
    shown = [each for each in command.params if each.name != "help"]
    rows = [(_named(each), one_line(each.help), _default(each)) for each in shown]
    if rows:
        parts.append(table(("argument or option", "meaning", "default"), rows))
    return "\n\n".join(parts)


def _named(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{(parameter.metavar or parameter.name).upper()}`"
    names = [*parameter.opts, *parameter.secondary_opts]
    if parameter.default is True:
        names[0] += " (default)"
    many = " (may be repeated)" if parameter.multiple else ""
    return ", ".join(f"`{name}`".replace(" (default)`", "` (default)") for name in names) + many


def _default(parameter: Any) -> str:
    if parameter.required:
        return "must be given"
    found = parameter.default
    if found is None or isinstance(found, bool) or found in ((), []) or callable(found):
        return ""
    return (
        f"`{found:%Y-%m-%d}`"
        if isinstance(found, datetime)
        else f"`{getattr(found, 'value', found)}`"
    )
