"""`rugs-assets release`: cut, list, show, verify, compare and remove releases."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)

from rugs_assets.lake.episode_index import SPLIT_NAMES
from rugs_assets.lake.release_manifest import Manifest, ReleaseDamaged
from rugs_assets.lake.releases import ReleaseRequest, Releases
from rugs_assets.store_cli import DAY, AsJson, Store, opened, place_of, show_rows, told

app = typer.Typer(
    no_args_is_help=True, help="Named, immutable sets of dates that a training run cites."
)
Name = Annotated[str, typer.Argument(help="Name of the release.")]
_SHOWN = 72  # characters of a value that are worth a line


@app.command()
def create(
    name: Name,
    first: Annotated[datetime, typer.Option("--from", formats=DAY, help="First capture date.")],
    last: Annotated[datetime, typer.Option("--to", formats=DAY, help="Last capture date.")],
    where: Annotated[
        list[str] | None,
        typer.Option(help="Condition on episodes, such as 'has_player = true'; all must hold."),
    ] = None,
    skip_absent: Annotated[
        bool, typer.Option(help="Leave out dates of which no table holds anything.")
    ] = False,
    store: Store = None,
) -> None:
    """Cut a release of dates that are whole, fresh and pass every blocking rule."""
    # The code versions that dates must have are those of the assets; importing them takes a second.
    from rugs_assets.orchestration.release_basis import BASIS

    request = ReleaseRequest(name, first.date(), last.date(), tuple(where or ()), skip_absent)
    with told(), _progress(TimeElapsedColumn()) as bar:
        task = bar.add_task("judging dates", total=(request.last - request.first).days + 1)

        def judged(day: date) -> None:
            bar.update(task, advance=1, description=f"judged {day}")

        manifest = Releases(opened(store)).create(request, BASIS, progress=judged)
    _say(manifest)


@app.command("list")
def list_releases(store: Store = None, as_json: AsJson = False) -> None:
    """List the releases of the store; the exit status is 1 when one of them is damaged."""
    with told():
        releases = Releases(opened(store))
        found, damaged = _manifests(releases)
    if as_json:
        typer.echo(json.dumps([_summary(manifest) for manifest in found], indent=1))
    else:
        columns = ("name", "dates", "episodes", "samples", "where", "checksum")
        rows = [
            (
                said["name"],
                said["span"],
                said["episodes"],
                said["samples"],
                " and ".join(said["where"]) or "every episode",
                said["checksum"][:16],
            )
            for said in map(_summary, found)
        ]
        show_rows(columns, rows, as_json=False)
    for problem in damaged:
        typer.echo(problem, err=True)
    if damaged:
        raise typer.Exit(1)


@app.command()
def show(name: Name, store: Store = None, as_json: AsJson = False) -> None:
    """Show what a release holds and what it rests on."""
    with told():
        manifest = Releases(opened(store)).manifest(name)
    if as_json:
        typer.echo(manifest.to_bytes().decode(), nl=False)
    else:
        _say(manifest)


@app.command()
def verify(name: Name, store: Store = None) -> None:
    """Read every byte of a release again; the exit status is 1 when one is wrong."""
    with told():
        releases = Releases(opened(store))
        files = releases.manifest(name).files
        with _progress(DownloadColumn()) as bar:
            task = bar.add_task("reading", total=sum(file.bytes for file in files))
            problems = releases.verify(name, lambda read: bar.update(task, advance=read))
    for problem in problems:
        typer.echo(problem, err=True)
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{name}: {len(files)} files, every byte as released")


@app.command()
def diff(
    one: Annotated[str, typer.Argument(help="A release.")],
    other: Annotated[str, typer.Argument(help="Another.")],
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Say what two releases do not share; the exit status is 1 when they differ."""
    with told():
        found = Releases(opened(store)).diff(one, other)
    if as_json:
        said = [{"what": each.what, one: each.one, other: each.other} for each in found]
        typer.echo(json.dumps(said, indent=1))
    elif found:
        rows = [(each.what, _short(each.one), _short(each.other)) for each in found]
        show_rows(("what", one, other), rows, as_json=False)
    else:
        typer.echo(f"{one} and {other} hold the same")
    if found:
        raise typer.Exit(1)


@app.command("rm")
def remove(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    store: Store = None,
) -> None:
    """Remove a release; runs that cite it cannot be repeated afterwards."""
    with told():
        releases = Releases(opened(store))
        if name not in releases.names():
            releases.manifest(name)  # says which there are
        if not yes:
            typer.confirm(f"Remove {name} from {place_of(store)} for good?", abort=True)
        releases.remove(name)
    typer.echo(f"{name} is removed")


def _progress(far: ProgressColumn) -> Progress:
    """A line that goes away again; none where nobody watches."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), far)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _manifests(releases: Releases) -> tuple[list[Manifest], list[str]]:
    """All that can be read, and a line for each that cannot."""
    found, damaged = [], []
    for name in releases.names():
        try:
            found.append(releases.manifest(name))
        except ReleaseDamaged as error:
            damaged.append(str(error))
    return found, damaged


def _summary(manifest: Manifest) -> dict[str, Any]:
    days, counts = manifest.content["dates"], manifest.content["counts"]
    return {
        "name": manifest.name,
        "checksum": manifest.checksum,
        "span": f"{days[0]} to {days[-1]} ({len(days)})",
        "dates": days,
        "where": manifest.content["where"],
        "episodes": counts["episodes"],
        "samples": counts["samples"],
    }


def _say(manifest: Manifest) -> None:
    said, content = _summary(manifest), manifest.content
    counts = content["counts"]
    splits = ", ".join(f"{name} {counts['splits'][name]['samples']:,}" for name in SPLIT_NAMES)
    actions = ", ".join(f"{name} {counts['actions'][name]:,}" for name in content["actions"])
    broken = [check for check in content["checks"] if check["violations"]]
    notes = ", ".join(f"{check['rule']} {check['violations']}" for check in broken) or "none broken"
    lines = {
        "release": said["name"],
        "checksum": said["checksum"],
        "dates": said["span"],
        "left out": ", ".join(content["absent_dates"]) or "no date",
        "where": " and ".join(said["where"]) or "every episode",
        "episodes": f"{said['episodes']:,}",
        "samples": f"{said['samples']:,} ({splits})",
        "actions": actions,
        "reward": f"{content['reward']['name']} v{content['reward']['version']}",
        "features": f"v{content['features']['version']}, {content['features']['digest'][:16]}",
        "rules": f"{len(content['checks'])} judged, {notes}",
        "tables": ", ".join(f"{k} v{v}" for k, v in manifest.tables.items()),
        "files": f"{len(manifest.files)}, {sum(f.bytes for f in manifest.files):,} bytes",
    }
    for key, value in lines.items():
        typer.echo(f"{key:<10}{value}")


def _short(value: Any) -> str:
    text = "-" if value is None else json.dumps(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
