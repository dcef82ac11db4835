"""Judging commands without running them: does the command exist, with these options?"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from functools import cache
from importlib.util import find_spec
from typing import Any

import dagster as dg
import typer.main
from dagster._cli import create_dagster_cli

from rugs_assets.cli import app
from rugs_assets.orchestration.build import build_defs
from rugs_assets.settings import Settings
from rugs_assets_tests.documentation import ROOT

_DAGSTER: Callable[[], Any] = create_dagster_cli
_MACHINE = """
apt-get cat cd chmod chown cp createdb createuser crontab curl deactivate df docker export git kill
ls mkdir mv openssl pg_ctl pg_ctlcluster pre-commit psql ray rclone rm rsync service source ssh sudo
systemctl tail tar timedatectl .
"""
KNOWN = frozenset(_MACHINE.split())
"""Programs of the machine; what they do is not ours to check."""


def problem_of(command: list[str]) -> str | None:
    """Why a command could not be run as it stands; None where it could."""
    program, *arguments = command
    match program.rpartition("/")[2]:
        case "rugs-assets":
            return _refused(typer.main.get_command(app), program, arguments)
        case "dagster":
            return _refused(_DAGSTER(), program, arguments) or _selects_nothing(arguments)
        case "make":
            return _not_made(arguments)
        case "python" | "python3":
            return _not_a_module(arguments)
        case "pip":
            return _no_extra(arguments)
        case name if name in KNOWN:
            return None
        case name:
            return f"{name} is no program that the documentation may use"


def _refused(command: Any, name: str, arguments: list[str]) -> str | None:
    """What click says to these arguments, all the way down to the last command."""
    try:
        with command.make_context(name, list(arguments)) as context:
            rest = [*getattr(context, "_protected_args", ()), *context.args]
            if not hasattr(command, "resolve_command"):
                return None
            _, below, rest = command.resolve_command(context, rest)
    except Exception as error:  # noqa: BLE001 - two versions of click, each with errors of its own
        said = str(getattr(error, "message", error))
        if re.search(r"(Path|File|Directory) '.*' does not exist", said):
            return None  # it is the reader's
        return f"{name} {' '.join(arguments)}: {said}"
    return _refused(below, below.name, rest)


def _selects_nothing(arguments: list[str]) -> str | None:
    """Why Dagster would not materialize what `--select` names."""
    if arguments[:2] != ["asset", "materialize"]:
        return None
    found = selected_by(arguments)
    others = {key.to_user_string() for key in found - _graph().executable_asset_keys}
    if others or not found:
        return f"--select names nothing that Dagster writes: {', '.join(sorted(others))}"
    return None


def selected_by(arguments: list[str]) -> AbstractSet[dg.AssetKey]:
    """The assets that `--select` of a command names."""
    selection = arguments[arguments.index("--select") + 1]
    return dg.AssetSelection.from_string(selection).resolve(_graph())


@cache
def _graph() -> dg.AssetGraph:
    return build_defs(settings=Settings.from_environment({})).resolve_asset_graph()


def _not_made(arguments: list[str]) -> str | None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    asked = {word for word in arguments if "=" not in word}
    variables = {word.split("=")[0] for word in arguments if "=" in word}
    missing = (asked - targets) | {
        name for name in variables if not re.search(rf"\b{name}\b", makefile)
    }
    return f"make knows no {', '.join(sorted(missing))}" if missing else None


def _not_a_module(arguments: list[str]) -> str | None:
    if arguments[:1] == ["-m"]:
        name = arguments[1]
        return None if find_spec(name) else f"there is no module {name}"
    if arguments and arguments[0].endswith(".py"):
        return None if (ROOT / arguments[0]).is_file() else f"there is no {arguments[0]}"
    return None


def _no_extra(arguments: list[str]) -> str | None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].keys()
    asked = {
        extra
        for word in arguments
        if (found := re.fullmatch(r"(?:rugs_assets|\.)\[(.+)\]", word))
        for extra in found[1].split(",")
    }
    missing = sorted(asked - extras)
    return f"there is no extra {', '.join(missing)}" if missing else None
