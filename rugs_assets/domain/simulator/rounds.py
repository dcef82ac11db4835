"""The state of a game on the server: what its frames show, and what becomes of it.

Nothing here computes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rugs_assets.domain.simulator.entries import Trade
from rugs_assets.domain.simulator.games import Game
from rugs_assets.domain.simulator.standings import Board


@dataclass(slots=True)
class Scene:
    """What all frames of a moment share.

    Attributes:
        game: the game.
        tick: `tickCount`, counting on after the rug.
        timer: `cooldownTimer`, ms.
        active: the server says so, also at the rug.
        rugged: the rug has come.
        presale: buys at 1.0 are allowed.
        players: `connectedPlayers`.
        leaderboard: JSON of its entries.
    """

    game: Game
    tick: int = 0
    timer: int = 0
    active: bool = False
    rugged: bool = False
    presale: bool = False
    players: int = 0
    leaderboard: str = ""


@dataclass(slots=True)
class Round:
    """What belongs to one game; when it is over, the truth of it.

    Attributes:
        scene: as frames show it.
        before: cash of the own players when it was created, 1e-9 SOL.
        after: the same when it was over.
        trades: all trades and side bets, in order.
        announced: ids of those the public feed carried.
        board: the standings before it counted; None until it is over.
    """

    scene: Scene
    before: dict[str, int]
    after: dict[str, int] | None = None
    trades: list[Trade] = field(default_factory=list)
    announced: set[str] = field(default_factory=set)
    board: Board | None = None
