"""The chain of rows: for each row of a block what the row before it in its game said.

In: the grid, what is carried at its elements, and the chain: the seeds and the elements that make
rows, in order. A seed stands for the last row before the block. Used by ``observation_pass`` only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rugs_assets.domain import derived
from rugs_assets.domain.derived import Floats, PreviousRows
from rugs_assets.domain.frames import last_set
from rugs_assets.domain.game_grid import Carried, Grid

Ints = NDArray[np.int64]


def entry_ticks(grid: Grid, carried: Carried, chain: Ints) -> Floats:
    """For each element of the chain of rows the tick of the row at which the position left 0."""
    states = carried.states
    is_seed = grid.is_seed[chain]
    held = carried.values["position_qty"][chain] != 0
    held[is_seed] = [state.in_position for state in states]
    entered = held & ~is_seed
    entered[1:] &= ~held[:-1]
    ticks = carried.values["tick"][chain]
    ticks[is_seed] = [state.entry_tick for state in states]
    return ticks[last_set(entered | is_seed)]


def previous_rows(grid: Grid, carried: Carried, chain: Ints) -> tuple[NDArray[Any], ...]:
    """For each element of the chain of rows, its previous row (fields of `PreviousRows`)."""
    states = carried.states
    is_seed = grid.is_seed[chain]
    tick, price = carried.values["tick"][chain], carried.values["price"][chain]
    has_price = carried.has["tick"][chain] & carried.has["price"][chain]
    exists = np.ones(len(chain), bool)
    exists[is_seed] = [state.has_row for state in states]
    tick[is_seed] = [state.tick for state in states]
    price[is_seed] = [state.price for state in states]
    has_price[is_seed] = [state.has_price for state in states]
    shifted = PreviousRows(
        _shift(exists), _shift(tick), _shift(price), tick, _shift(has_price), has_price
    )
    velocity = derived.price_velocity(tick, price, shifted)
    velocity[is_seed] = [state.velocity for state in states]
    has_velocity = has_price & shifted.exists & shifted.has_price
    has_velocity[is_seed] = [state.has_velocity for state in states]
    return (
        shifted.exists,
        shifted.tick,
        shifted.price,
        _shift(velocity),
        shifted.has_price,
        _shift(has_velocity),
    )


def _shift(array: NDArray[Any]) -> NDArray[Any]:
    """Each element's predecessor; the first has none and is a seed, where it does not matter."""
    shifted = np.zeros_like(array)
    shifted[1:] = array[:-1]
    return shifted
