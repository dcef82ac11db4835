"""Many small histograms on one pair of axes: a panel costs its ink, not a machinery of its own.

In: values. Out: shapes on the axes of a figure. matplotlib gives every pair of axes locators,
formatters, spines and two sets of ticks, 25 ms each, which for 36 panels was most of a picture.
Here all bars are one collection, all lines of a kind are another, and only words are many.

Belongs here: where panels, bars, ticks and words lie. Goes elsewhere: what is shown
(``plot_histograms``), colours (``plot_style``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rugs_assets.domain.plot_style import BLUE, FAINT, GRID, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]
Line = tuple[tuple[float, float], tuple[float, float]]

_AROUND = 0.05  # of the width of a panel is left free on both sides of its values
_TICK, _BELOW, _BESIDE, _ABOVE = 2.5, 4.0, 4.0, 3.0  # points from a panel to what stands around it
_UNIT_BELOW = 11.5


class Panels:
    """A grid of panels of one size, filled from left to right and downwards.

    Args:
        axes: bare ones, which reach from the first panel to the last.
        columns: panels beside each other.
        rows: of panels.
        gaps: between panels, in widths and heights of one.
    """

    def __init__(self, axes: Axes, columns: int, rows: int, gaps: tuple[float, float]) -> None:
        self._axes = axes
        self._columns = columns
        self._gaps = gaps
        width, height = columns + gaps[0] * (columns - 1), rows + gaps[1] * (rows - 1)
        axes.set_axis_off()
        axes.set_xlim(0, width)
        axes.set_ylim(height, 0)  # downwards
        figure = axes.get_figure(root=True)
        assert figure is not None
        across, up = figure.get_size_inches() * axes.get_position().size
        self._point = (width / (across * 72), height / (up * 72))
        self._bars: list[Floats] = []
        self._grid: list[Line] = []
        self._frames: list[Line] = []
        self._ticks: list[Line] = []

    def add(self, index: int, title: str, unit: str) -> None:
        """The frame of a panel, its title and its unit."""
        x, y = self._corner(index)
        self._frames += [((x, y), (x, y + 1)), ((x, y + 1), (x + 1, y + 1))]
        up, down = self._point[1] * _ABOVE, self._point[1] * _UNIT_BELOW
        self._say(x + 0.5, y - up, title, 8.5, INK, va="bottom")
        self._say(x + 0.5, y + 1 + down, unit, 7, INK, va="top")

    def say(self, index: int, text: str) -> None:
        """A word in the middle of a panel that has nothing to draw."""
        x, y = self._corner(index)
        self._say(x + 0.5, y + 0.5, text, 8, FAINT, va="center")

    def bars(self, index: int, heights: Floats, low: float, high: float) -> None:
        """Bars of equal width from `low` to `high`.

        Args:
            index: of the panel.
            heights: of the bars, as shares of the panel's.
            low: where the first bar begins, in the values' unit.
            high: where the last ends.
        """
        x, y = self._corner(index)
        edges = x + self._across(np.linspace(low, high, len(heights) + 1), low, high)
        tops = y + 1 - np.clip(heights, 0.0, 1.0)
        outline = np.column_stack([np.repeat(edges, 2)[1:-1], np.repeat(tops, 2)])
        self._bars.append(np.array([[edges[0], y + 1], *outline, [edges[-1], y + 1]]))

    def values(
        self, index: int, at: Sequence[float], names: Sequence[str], low: float, high: float
    ) -> None:
        """Ticks below a panel.

        Args:
            index: of the panel.
            at: their values.
            names: what is written at them.
            low: as in `bars`.
            high: likewise.
        """
        x, y = self._corner(index)
        places = (x + self._across(np.asarray(at, np.float64), low, high)).tolist()
        for place, name in zip(places, names, strict=True):
            self._ticks.append(((place, y + 1), (place, y + 1 + self._point[1] * _TICK)))
            self._say(place, y + 1 + self._point[1] * _BELOW, name, 6.5, INK, va="top")

    def levels(self, index: int, at: Sequence[float], names: Sequence[str]) -> None:
        """Lines across a panel, with a tick each on its left.

        Args:
            index: of the panel.
            at: as shares of its height.
            names: what is written at them; "": nothing.
        """
        x, y = self._corner(index)
        for share, name in zip(at, names, strict=True):
            level = y + 1 - share
            self._grid.append(((x, level), (x + 1, level)))
            self._ticks.append(((x - self._point[0] * _TICK, level), (x, level)))
            if name:
                left = x - self._point[0] * _BESIDE
                self._say(left, level, name, 6.5, INK, va="center_baseline", ha="right")

    def draw(self) -> None:
        """Put everything on the axes."""
        from matplotlib.collections import LineCollection, PolyCollection

        lines = ((self._grid, GRID, 0.6, 1), (self._frames, FAINT, 0.8, 3))
        for found, colour, width, order in (*lines, (self._ticks, INK, 0.8, 3)):
            drawn = LineCollection(found, colors=colour, linewidths=width, zorder=order)
            drawn.set_clip_on(False)
            self._axes.add_collection(drawn, autolim=False)
        bars = PolyCollection(self._bars, facecolors=BLUE, linewidths=0, zorder=2)
        self._axes.add_collection(bars, autolim=False)

    def _corner(self, index: int) -> tuple[float, float]:
        row, column = divmod(index, self._columns)
        return column * (1 + self._gaps[0]), row * (1 + self._gaps[1])

    @staticmethod
    def _across(values: Floats, low: float, high: float) -> Floats:
        """Values as shares of the width of a panel."""
        share: Floats = (values - low) / (high - low)
        return (share + _AROUND) / (1 + 2 * _AROUND)

    def _say(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        colour: str,
        *,
        va: str,
        ha: str = "center",
    ) -> None:
        how: dict[str, Any] = {"ha": ha, "va": va, "size": size, "color": colour}
        self._axes.text(x, y, text, **how)
