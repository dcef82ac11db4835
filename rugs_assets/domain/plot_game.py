"""A game as a picture: its price with presses and trades, under it the position and the reward.

In: the rows of one game, of `observations`, `aligned_samples` and (where at hand) the public trades
of `raw_ws_events`. Out: PNG bytes. Which game is shown is decided in ``plots``, how axes look in
``plot_style``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rugs_assets.domain.buttons import ACTIONS
from rugs_assets.domain.features import Phase
from rugs_assets.domain.plot_style import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    RED,
    SHADE,
    SKY,
    as_png,
    new_figure,
    plain,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.transforms import Transform

Floats = NDArray[np.float64]

GAME_COLUMNS = (
    *("episode_id", "frame", "tick", "price", "game_phase", "cooldown_timer_ms"),
    *("position_qty", "execution_tick", "execution_price"),
)
"""What is read of `observations`."""

SAMPLE_COLUMNS = ("episode_id", "frame", "action", "adjust", "reward")
"""What is read of `aligned_samples`."""

TRADE_COLUMNS = ("event", "episode_id", "trade_tick", "trade_price", "trade_side")
"""What is read of the `standard/newTrade` events of `raw_ws_events`."""

_TICK_MS = 250
_MARKS = {"BUY": ("^", BLUE, -10), "SELL": ("v", RED, 10), "SIDEBET": ("D", PURPLE, 22)}
"""Marker and colour of each action, and how many points above the price it stands."""
_WIDTH, _HEIGHT = 11.0, 6.6
_SMALL: dict[str, Any] = {"frameon": False, "fontsize": 8, "handletextpad": 0.4}
_STEEP = 8.0
_PANELS = {
    "height_ratios": [3.4, 1, 1.3],
    **{"left": 0.08, "right": 0.985, "top": 0.91, "bottom": 0.075, "hspace": 0.06},
}


def draw_game(
    observed: pa.Table,
    samples: pa.Table | None = None,
    trades: pa.Table | None = None,
    *,
    sampled: bool = True,
) -> bytes:
    """One game: its price with presses and trades; under it the position and the reward.

    Args:
        observed: its rows of `observations` (`GAME_COLUMNS`), at least one.
        samples: its rows of `aligned_samples` (`SAMPLE_COLUMNS`); None where it has none.
        trades: its public trades (`TRADE_COLUMNS`); None where they are not shown.
        sampled: whether samples of the date have been made at all.

    Returns:
        PNG.
    """
    rows = {name: observed[name].to_numpy() for name in GAME_COLUMNS}
    time = _time(rows)
    with new_figure(_WIDTH, _HEIGHT) as figure:
        panels: list[Axes] = list(figure.subplots(3, 1, sharex=True, gridspec_kw=_PANELS))
        for axes in panels:
            plain(axes)
            axes.axvspan(min(time[0], 0), 0, color=SHADE, zorder=0)
        _draw_price(panels[0], rows, time)
        if trades is not None:
            _draw_trades(panels[0], trades)
        _draw_position(panels[1], rows, time)
        _draw_reward(panels[2], samples, rows, time, sampled=sampled)
        if samples is not None:
            _draw_presses(panels[0], samples, rows, time)
        panels[0].legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=9, **_SMALL)
        figure.suptitle(_headline(rows, samples), x=0.01, ha="left", fontsize=10, color=INK)
        panels[2].set_xlabel("tick (250 ms each; shaded: before the game starts)", fontsize=9)
        figure.align_ylabels(panels)
        return as_png(figure)


def _headline(rows: dict[str, Any], samples: pa.Table | None) -> str:
    """What the picture shows, in a line."""
    tick, phase = int(rows["tick"][-1]), int(rows["game_phase"][-1])
    parts = [
        f"game {rows['episode_id'][0]}",
        f"rug at tick {tick}" if phase == Phase.RUGGED else f"seen up to tick {tick}",
    ]
    if samples is not None:
        actions = int(np.count_nonzero(samples["action"].to_numpy()))
        reward = float(samples["reward"].to_numpy().astype(np.float64).sum())
        parts += [f"{actions} actions", f"reward {reward:+.4f}"]
    return "   ".join(parts)


def _time(rows: dict[str, Any]) -> Floats:
    """Ticks since the start; before it the timer in ticks, negative."""
    before = rows["game_phase"] < Phase.ACTIVE
    waiting = -rows["cooldown_timer_ms"].astype(np.float64) / _TICK_MS
    time: Floats = np.where(before, waiting, rows["tick"].astype(np.float64))
    return time


def _draw_price(axes: Axes, rows: dict[str, Any], time: Floats) -> None:
    phase, price = rows["game_phase"], rows["price"].astype(np.float64)
    drawn = phase != Phase.RUGGED
    axes.step(time[drawn], price[drawn], where="post", color=INK, linewidth=1.3, label="price")
    if (~drawn).any():
        axes.axvline(time[~drawn][0], color=FAINT, linewidth=1, linestyle="--", label="rug")
    ticks = np.unique(rows["execution_tick"][(rows["execution_price"] > 0)])
    prices = [rows["execution_price"][rows["execution_tick"] == tick][-1] for tick in ticks]
    if len(ticks):
        axes.plot(
            ticks,
            np.array(prices, np.float64),
            **_dots("o", "none", 8),
            markeredgecolor=INK,
            label="own trade",
        )
    if price[drawn].size and price[drawn].max() > _STEEP * price[drawn].min():
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
    axes.margins(y=0.1)
    axes.set_ylabel("price [multiplier]", fontsize=9)


def _draw_trades(axes: Axes, trades: pa.Table) -> None:
    sides = np.asarray(trades["trade_side"].to_pylist(), object)
    ticks = np.asarray(trades["trade_tick"].to_pylist(), np.float64)
    prices = np.asarray(trades["trade_price"].to_pylist(), np.float64)
    for side, colour in (("buy", SKY), ("sell", ORANGE)):
        mine = sides == side
        if mine.any():
            axes.plot(
                ticks[mine], prices[mine], **_dots(".", colour, 5), label=f"public {side}", zorder=1
            )


def _draw_presses(axes: Axes, samples: pa.Table, rows: dict[str, Any], time: Floats) -> None:
    at = np.searchsorted(rows["frame"], samples["frame"].to_numpy())
    actions, prices = samples["action"].to_numpy(), rows["price"].astype(np.float64)
    for name, (mark, colour, above) in _MARKS.items():
        mine = at[actions == ACTIONS.index(name)]
        if len(mine):
            axes.plot(
                time[mine],
                prices[mine],
                **_dots(mark, colour, 7.5),
                transform=_raised(axes, above),
                label=f"{name} pressed",
                zorder=4,
            )
    adjusts = at[samples["adjust"].to_numpy() != 0]
    if len(adjusts):
        low = axes.get_xaxis_transform()
        axes.plot(
            time[adjusts],
            np.full(len(adjusts), 0.015),
            **_dots("|", FAINT, 7),
            transform=low,
            label="bet adjusted",
        )


def _draw_position(axes: Axes, rows: dict[str, Any], time: Floats) -> None:
    held = rows["position_qty"].astype(np.float64)
    axes.fill_between(time, held, step="post", color=SKY, linewidth=0)
    axes.step(time, held, where="post", color=BLUE, linewidth=1)
    axes.set_ylabel("position\n[tokens]", fontsize=9)
    axes.set_ylim(0, max(float(held.max()) * 1.12, 1e-9))
    if not held.any():
        _say(axes, "no position was held")


def _draw_reward(
    axes: Axes, samples: pa.Table | None, rows: dict[str, Any], time: Floats, *, sampled: bool
) -> None:
    axes.set_ylabel("reward", fontsize=9)  # its unit is that of the function chosen
    if samples is None:
        _say(axes, "no sample was made of this game" if sampled else "no samples yet")
        return
    at = np.searchsorted(rows["frame"], samples["frame"].to_numpy())
    reward = samples["reward"].to_numpy().astype(np.float64)
    axes.axhline(0, color=FAINT, linewidth=0.8)
    axes.vlines(time[at], 0, reward, color=GREEN, linewidth=1.6, label="of the step")
    axes.step(time[at], reward.cumsum(), where="post", color=INK, linewidth=1.2, label="so far")
    if not reward.any():
        _say(axes, "no reward: nothing was at stake")
        return
    axes.legend(loc="best", ncols=2, **_SMALL)


def _raised(axes: Axes, points: float) -> Transform:
    """The coordinates of the data, moved up by so many points."""
    from matplotlib.transforms import ScaledTranslation

    assert axes.figure is not None
    return axes.transData + ScaledTranslation(0, points / 72, axes.figure.dpi_scale_trans)


def _dots(marker: str, colour: str, size: float) -> dict[str, Any]:
    return {"linestyle": "none", "marker": marker, "markersize": size, "color": colour}


def _say(axes: Axes, text: str) -> None:
    """A word where there is nothing to draw."""
    axes.set_yticks([])
    axes.text(
        *(0.5, 0.5, text), transform=axes.transAxes, ha="center", va="center", color=FAINT, size=9
    )
