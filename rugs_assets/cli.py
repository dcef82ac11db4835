"""`rugs-assets`: what the Dagster command line does not cover.

Thin: every command turns its options into one call of the domain and shows what came of it.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from rugs_assets import (
    doctor_cli,
    export_cli,
    plot_cli,
    reference,
    release_cli,
    report_cli,
    table_cli,
)
from rugs_assets.domain.simulator import (
    FAULTS,
    Faults,
    Format,
    Payload,
    Plan,
    Progress,
    write_simulation,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,  # the pseudonym key may be among them
)


@app.callback()
def main() -> None:
    """Captures of rugs.fun to training data: what the Dagster command line does not cover."""


app.command()(doctor_cli.doctor)
app.command()(plot_cli.plot)
app.command()(export_cli.export)
app.command()(report_cli.report)
app.command()(reference.reference)
app.add_typer(release_cli.app, name="release")
app.add_typer(table_cli.app, name="table")


@app.command()
def simulate(
    out: Annotated[Path, typer.Option(help="Folder for the captures; it may hold others.")],
    truth: Annotated[
        Path | None, typer.Option(help="Folder for the truth, not inside --out; default: none.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, help="UTC dates.")] = 3,
    start: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First UTC date.")] = (
        datetime(2025, 12, 15)  # noqa: DTZ001 - only its date is used
    ),
    sessions: Annotated[int, typer.Option(min=1, help="Recording sessions a day.")] = 2,
    players: Annotated[int, typer.Option(min=0, help="Sessions with an own player.")] = 1,
    games_per_day: Annotated[
        int, typer.Option(min=0, help="Games a day; 0: a day of wall clock, about 1,200.")
    ] = 60,
    seed: Annotated[int, typer.Option(help="Same arguments and seed, same bytes.")] = 0,
    recorded: Annotated[
        Format, typer.Option("--format", help="How sessions are recorded.")
    ] = Format.RAW_JSONL,
    payload: Annotated[
        Payload, typer.Option(help="realistic: frames as big as real ones; lean: a tenth.")
    ] = Payload.REALISTIC,
    faults: Annotated[bool, typer.Option(help="Losses, repeats, broken lines and so on.")] = True,
    fault: Annotated[
        list[str] | None,
        typer.Option(help=f"Only these faults: {', '.join(FAULTS)}. Default: all."),
    ] = None,
    throttled_trades: Annotated[
        bool, typer.Option(help="One public trade every 2 s, as in the real feed.")
    ] = True,
    policy: Annotated[
        list[str] | None, typer.Option(help="Players' policies in turn; default: all.")
    ] = None,
) -> None:
    """Write synthetic captures, the form of which is that of real ones."""
    console = Console(stderr=True)
    if fault and not faults:
        raise typer.BadParameter("--fault and --no-faults contradict each other")
    try:
        options = {} if policy is None else {"policies": tuple(policy)}
        plan = Plan(
            seed=seed,
            start=date(start.year, start.month, start.day),
            days=days,
            sessions=sessions,
            players=players,
            games_per_day=games_per_day or None,
            format=recorded,
            payload=payload,
            faults=Faults.usual(fault or None) if faults else Faults(),
            throttled_trades=throttled_trades,
            **options,
        )
        columns = ("games", BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Bar(*columns, console=console) as bar:
            task = bar.add_task("games", total=None)

            def show(progress: Progress) -> None:
                bar.update(task, completed=progress.games, total=progress.of)

            summary = write_simulation(plan, out, truth, show)
    except (ValueError, OSError) as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(2) from error
    console.print(
        f"{summary.games} games, {summary.events:,} events, {summary.files} files, "
        f"{summary.bytes / 1e6:,.1f} MB in {out}"
    )


if __name__ == "__main__":
    app(prog_name="rugs-assets")
