"""Histograms of the 36 features and of the actions: what a date's values look like at a glance.

In: rows of `observations` and `aligned_samples`. Out: PNG bytes. Invariants: every feature has a
panel of its own with its unit; counts are logarithmic, since most values are the usual one. Which
rows are shown is decided in ``plots``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rugs_assets.domain.buttons import ACTIONS, ADJUSTS
from rugs_assets.domain.features import FEATURES, Feature, Phase
from rugs_assets.domain.plot_panels import Panels
from rugs_assets.domain.plot_style import GREEN, INK, PURPLE, as_png, new_figure, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LEAST = 0.7  # a bar of one row is seen
_COLUMNS, _BINS = 6, 30
_WIDTH, _HEIGHT = 11.0, 12.4
_MARGINS = {
    **{"left": 0.07, "right": 0.995, "top": 0.982, "bottom": 0.025},
    **{"wspace": 0.14, "hspace": 0.42},
}
_LONG = 28
_MINUS = "\N{MINUS SIGN}"


def draw_histograms(observed: pa.Table, samples: pa.Table | None = None) -> bytes:
    """Histograms of all features, and of what was pressed.

    Args:
        observed: rows with the 36 features.
        samples: rows of `aligned_samples` with `action` and `adjust`; None: features only.

    Returns:
        PNG.
    """
    rows = -(-len(FEATURES) // _COLUMNS)
    height = _HEIGHT if samples is not None else _HEIGHT * rows / (rows + 1)
    with new_figure(_WIDTH, height) as figure:
        grid = figure.add_gridspec(rows + (samples is not None), _COLUMNS, **_MARGINS)
        gaps = _MARGINS["wspace"], _MARGINS["hspace"]
        panels = Panels(figure.add_subplot(grid[:rows, :]), _COLUMNS, rows, gaps)
        for index, feature in enumerate(FEATURES):
            _draw_feature(panels, index, feature, observed[feature.name].to_numpy())
        panels.draw()
        if samples is not None:
            actions, adjusts = (
                figure.add_subplot(grid[rows, :2]),
                figure.add_subplot(grid[rows, 2:]),
            )
            _draw_codes(actions, "action", ACTIONS, samples["action"].to_numpy(), GREEN)
            names = tuple(name or "none" for name in ADJUSTS)
            _draw_codes(adjusts, "adjust", names, samples["adjust"].to_numpy(), PURPLE)
        figure.supylabel("rows (logarithmic)", fontsize=9, color=INK, x=0.004)
        return as_png(figure)


def _draw_feature(
    panels: Panels, index: int, feature: Feature, values: NDArray[np.float32]
) -> None:
    unit = feature.unit if len(feature.unit) < _LONG else feature.unit.split(",")[0]
    panels.add(index, feature.name, unit)
    _count_in_tens(panels, index, len(values))
    if not len(values):
        return
    low, high = float(values.min()), float(values.max())
    if low == high:
        panels.say(index, f"always {low:g}")
        return
    counts, _ = np.histogram(values.astype(np.float64), bins=_BINS, range=(low, high))
    seen = np.maximum(counts, _LEAST).astype(np.float64)
    panels.bars(index, _height(seen, len(values)), low, high)
    if feature.name == "game_phase":
        known = [phase for phase in Phase if low <= phase <= high]
        names = [phase.name[:4].lower() for phase in known]
        panels.values(index, [float(phase) for phase in known], names, low, high)
    else:
        at = [0.0, 1.0] if feature.unit == "0/1" else _round_values(low, high)
        panels.values(index, at, [f"{value:g}".replace("-", _MINUS) for value in at], low, high)


def _round_values(low: float, high: float) -> list[float]:
    """A few round values between two."""
    from matplotlib.ticker import MaxNLocator

    found = MaxNLocator(nbins=3, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    return [float(value) for value in found if low <= value <= high]


def _height(counts: NDArray[np.float64], rows: int) -> NDArray[np.float64]:
    """Counts of rows as shares of a panel's height, which is the same scale for all features."""
    least, most = np.log10(_LEAST), np.log10(max(rows, 1) * 1.3)
    share: NDArray[np.float64] = (np.log10(counts) - least) / (most - least)
    return share


def _count_in_tens(panels: Panels, index: int, rows: int) -> None:
    tens = np.array([10.0**ten for ten in range(int(np.log10(max(rows, 1))) + 1)])
    named = index % _COLUMNS == 0
    names = [f"{ten:,.0f}" if named else "" for ten in tens]
    panels.levels(index, _height(tens, rows).tolist(), names)


def _draw_codes(
    axes: Axes, title: str, names: tuple[str, ...], codes: NDArray[np.int8], colour: str
) -> None:
    plain(axes)
    axes.grid(visible=False, axis="x")
    counts = np.bincount(codes, minlength=len(names))
    bars = axes.bar(range(len(names)), counts, color=colour, width=0.7)
    axes.bar_label(bars, [f"{count:,}" if count else "0" for count in counts], size=7, color=INK)
    axes.set_yscale("symlog", linthresh=1)
    axes.yaxis.set_major_formatter(
        "{x:,.0f}"
    )  # powers would be typeset, which takes longest of all
    axes.tick_params(axis="y", labelsize=6.5)
    axes.set_ylim(0, max(int(counts.max()) * 6, 10))
    axes.set_xticks(range(len(names)), names, fontsize=7)
    axes.set_title(title, fontsize=8.5, color=INK, pad=3)
    axes.minorticks_off()
