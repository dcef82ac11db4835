"""Rows of a run: a measured part as it stands in the JSON, and what of it is shown, by column."""

from __future__ import annotations

from typing import Any

from benchmarks.measuring import Measured


def row_of(
    one: Measured, group: str, *, bytes_: int | None = None, reference: Measured | None = None
) -> dict[str, object]:
    """A measured part as it stands in the JSON."""
    return {
        "group": group,
        "name": one.name,
        "cpu": round(one.seconds, 4),
        "least_cpu": round(min(one.cpu), 4),
        "wall": round(sorted(one.wall)[len(one.wall) // 2], 4),
        "least_wall": round(min(one.wall), 4),
        "spread": round(one.spread, 3),
        "counted": one.counted,
        "bytes": bytes_,
        "times": None if reference is None else round(one.times(reference), 3),
        "peak_mib": None if one.peak_mib is None else round(one.peak_mib, 1),
    }


def columns_of(row: dict[str, Any]) -> dict[str, str]:
    """What is shown of a row, by column."""

    def text(key: str, form: str) -> str:
        return "" if row.get(key) is None else form.format(row[key])

    cpu, counted = row.get("cpu"), row.get("counted")
    rate = f"{counted / cpu:,.0f}" if cpu and counted else ""
    speed = f"{row['bytes'] / cpu / 1e6:,.0f}" if cpu and row.get("bytes") else ""
    return {
        "CPU s": text("cpu", "{:.3f}"),
        "spread": text("spread", "{:.0%}"),
        "wall s": text("wall", "{:.3f}"),
        "counted": text("counted", "{:,}"),
        "a second": rate,
        "MB/s": speed,
        "x reference": text("times", "{:.2f}"),
        "peak MiB": text("peak_mib", "{:,.0f}"),
    }
