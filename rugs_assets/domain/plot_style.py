"""Drawing: the colours, the axes and the canvas that all pictures share.

In: figures. Out: PNG bytes. Invariants: no state of pyplot and no setting of the user's matplotlib
plays a part, so the same data give the same bytes with the same matplotlib; colours can be told
apart by colour-blind people (Okabe and Ito's), and nothing is told by colour alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, SKY, GREEN, ORANGE, RED, PURPLE = (
    "#0072B2",
    "#56B4E9",
    "#009E73",
    "#E69F00",
    "#D55E00",
    "#CC79A7",
)
INK, FAINT, SHADE, GRID = "#222222", "#8A8A8A", "#F0F0F0", "#E4E4E4"

DOTS_PER_INCH = 80


@contextmanager
def new_figure(width: float, height: float) -> Iterator[Figure]:
    """An empty figure of so many inches, drawn with matplotlib's own defaults.

    matplotlib is imported when something is drawn: who draws nothing does not wait for it.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        yield Figure(figsize=(width, height), dpi=DOTS_PER_INCH)


def as_png(figure: Figure) -> bytes:
    """A figure as PNG, small, and without the program that made it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.image import imsave

    # `savefig` draws twice, the first time for layouts that none of ours has.
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    found = BytesIO()
    told: dict[str, Any] = {"metadata": {"Software": None}, "pil_kwargs": {"compress_level": 6}}
    imsave(found, canvas.buffer_rgba(), format="png", dpi=figure.dpi, **told)
    return found.getvalue()


def plain(axes: Axes) -> None:
    """Axes with little ink: a frame on two sides, a faint grid, small figures."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.grid(color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8, colors=INK, length=2.5)
