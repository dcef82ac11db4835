"""Histograms of the 36 features and of the actions: what a date's values look like at a glance.

In: rows of `observations` and `aligned_samples`. Out: PNG bytes. Invariants: every feature has a
panel of its own with its unit; counts are logarithmic, since most values are the usual one. Which
rows are shown is decided in ``plots``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rugs_assets.domain.buttons import ACTIONS, ADJUSTS
from rugs_assets.domain.features import FEATURES, Feature, Phase
from rugs_assets.domain.plot_style import BLUE, FAINT, GREEN, INK, PURPLE, as_png, new_figure, plain

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


def draw_histograms(observed: pa.Table, samples: pa.Table | None = None) -> bytes:
    """Histograms of all features, and of what was pressed.

    Args:
        observed: rows with the 36 features.
        samples: rows of `aligned_samples` with `action` and `adjust`; None: features only.

    Returns:
        PNG.
    """
    height = _HEIGHT if samples is not None else _HEIGHT * 6 / 7
    with new_figure(_WIDTH, height) as figure:
        grid = figure.add_gridspec(7 if samples is not None else 6, _COLUMNS, **_MARGINS)
        for index, feature in enumerate(FEATURES):
            axes = figure.add_subplot(grid[divmod(index, _COLUMNS)])
            _draw_feature(axes, feature, observed[feature.name].to_numpy())
            _count_in_tens(axes, observed.num_rows, named=index % _COLUMNS == 0)
        if samples is not None:
            actions, adjusts = figure.add_subplot(grid[6, :2]), figure.add_subplot(grid[6, 2:])
            _draw_codes(actions, "action", ACTIONS, samples["action"].to_numpy(), GREEN)
            names = tuple(name or "none" for name in ADJUSTS)
            _draw_codes(adjusts, "adjust", names, samples["adjust"].to_numpy(), PURPLE)
        figure.supylabel("rows (logarithmic)", fontsize=9, color=INK, x=0.004)
        return as_png(figure)


def _draw_feature(axes: Axes, feature: Feature, values: NDArray[np.float32]) -> None:
    plain(axes)
    axes.grid(visible=False, axis="x")
    axes.set_title(feature.name, fontsize=8.5, color=INK, pad=3)
    unit = feature.unit if len(feature.unit) < _LONG else feature.unit.split(",")[0]
    axes.set_xlabel(unit, fontsize=7, labelpad=1)
    axes.tick_params(labelsize=6.5, pad=1.5)
    if not len(values):
        return
    low, high = float(values.min()), float(values.max())
    if low == high:
        axes.set_xticks([])
        middle: dict[str, Any] = {"transform": axes.transAxes, "ha": "center", "va": "center"}
        axes.text(0.5, 0.5, f"always {low:g}", **middle, size=8, color=FAINT)
        return
    counts, edges = np.histogram(values.astype(np.float64), bins=_BINS, range=(low, high))
    tens = np.log10(np.maximum(counts, _LEAST))
    axes.stairs(tens, edges, baseline=float(np.log10(_LEAST)), fill=True, color=BLUE)
    if feature.name == "game_phase":
        axes.set_xticks([*Phase], [phase.name[:4].lower() for phase in Phase])
    elif feature.unit == "0/1":
        axes.set_xticks([0, 1])
    else:
        axes.locator_params(axis="x", nbins=3)


def _count_in_tens(axes: Axes, rows: int, *, named: bool) -> None:
    """The same scale of counts for all features: each has as many rows."""
    tens = range(0, int(np.log10(max(rows, 1))) + 1)
    axes.set_yticks(tens, [f"{10**ten:,}" for ten in tens] if named else [""] * len(tens))
    axes.set_ylim(np.log10(_LEAST), np.log10(max(rows, 1) * 1.3))


def _draw_codes(
    axes: Axes, title: str, names: tuple[str, ...], codes: NDArray[np.int8], colour: str
) -> None:
    plain(axes)
    axes.grid(visible=False, axis="x")
    counts = np.bincount(codes, minlength=len(names))
    bars = axes.bar(range(len(names)), counts, color=colour, width=0.7)
    axes.bar_label(bars, [f"{count:,}" if count else "0" for count in counts], size=7, color=INK)
    axes.set_yscale("symlog", linthresh=1)
    axes.set_ylim(0, max(int(counts.max()) * 6, 10))
    axes.set_xticks(range(len(names)), names, fontsize=7)
    axes.set_title(title, fontsize=8.5, color=INK, pad=3)
    axes.minorticks_off()
