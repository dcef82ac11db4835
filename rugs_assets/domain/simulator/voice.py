"""How the server says things: from the state of a game to messages.

In: scenes, accounts, trades. Out: `Message`s, JSON and meaning side by side. Invariant: saying
something changes nothing, but that news of own trades is told once.
"""

from __future__ import annotations

from collections.abc import Iterable

from rugs_assets.domain.simulator import chatter, payloads
from rugs_assets.domain.simulator.accounts import Account
from rugs_assets.domain.simulator.entries import Trade
from rugs_assets.domain.simulator.messages import (
    ACTIVE,
    COOLDOWN,
    PRESALE,
    RUGGED,
    Answered,
    Frame,
    Message,
    Told,
)
from rugs_assets.domain.simulator.plan import Payload, Plan
from rugs_assets.domain.simulator.randomness import stream, trace
from rugs_assets.domain.simulator.rounds import Scene
from rugs_assets.domain.simulator.standings import Board, Rugpool, Standings

FRAME = "gameStateUpdate"


class Voice:
    """Makes messages.

    Args:
        plan: the arguments.
        own: the own players, who are told their state with every frame.
        standings: the finished games.
        rugpool: the side pot.
    """

    def __init__(
        self, plan: Plan, own: list[Account], standings: Standings, rugpool: Rugpool
    ) -> None:
        self._own, self._standings, self._rugpool = own, standings, rugpool
        self._lean = plan.payload is Payload.LEAN
        self._traces = stream(plan.seed, "traces")
        self._news: dict[str, list[Trade]] = {}

    def cooldown(self, at: Scene, now: int) -> list[Message]:
        """A step of the timer, without tick and price."""
        frame = Frame(at.game, phase_of(at), None, None, at.timer)
        return self._frame(payloads.cooldown_frame(at), now, frame)

    def start(self, at: Scene, now: int) -> list[Message]:
        """The first word of tick 0."""
        return self._frame(payloads.start_frame(at), now, _frame_of(at))

    def standard(self, at: Scene, now: int, count: int) -> list[Message]:
        """A tick, the opening of presale, the rug."""
        statistics, pool = self._standings.statistics, self._rugpool.short
        payload = payloads.standard_frame(at, statistics, pool, count)
        return self._frame(payload, now, _frame_of(at))

    def full(self, at: Scene, now: int, board: Board | None = None) -> list[Message]:
        """Everything, to everybody; with `board` as the standings were at another time."""
        payload = self._everything(at, board or self._standings.board(), connect=False)
        return self._frame(payload, now, _frame_of(at))

    def welcome(self, at: Scene, now: int, one: Account | None) -> list[Message]:
        """What somebody who connects is told; `one` where it is an own player."""
        payload = self._everything(at, self._standings.board(), connect=True)
        first = Message(FRAME, payload, now, game_id=at.game.id, meaning=_frame_of(at))
        messages = [first, *(self.say(words, now) for words in chatter.ON_CONNECT)]
        if one is not None:
            self._news[one.id] = []
            messages.append(self.update(one, at, now))
            name = chatter.username_status(one.id, one.username)
            words = (name, *chatter.ON_LOGIN)
            messages += [self.say(each, now, to=one.id) for each in words]
        return messages

    def update(self, one: Account, at: Scene, now: int) -> Message:
        """An own player's whole state."""
        payload = payloads.player_update(one, at.game.price(at.tick), at.game.id)
        until = None if one.side_bet is None else one.side_bet.end
        told = Told(one.cash, one.qty, one.average_cost, until)
        return Message("playerUpdate", payload, now, to=one.id, meaning=told)

    def answer(self, one: Account, answered: Answered, now: int) -> Message:
        """The answer to an own player's order."""
        payload = payloads.answer(answered.server_us, price=answered.price, reason=answered.reason)
        return Message("success", payload, now, to=one.id, meaning=answered)

    def tell(self, trade: Trade) -> None:
        """An own player's trade, to be told with the next frame."""
        self._news.setdefault(trade.player.id, []).append(trade)

    def bet_placed(self, one: Account, now: int) -> list[Message]:
        """The side bet an own player has just placed."""
        if one.side_bet is None:
            return []
        payload = payloads.bet_placed(one.side_bet, now)
        return [Message("currentSidebet", payload, now, self._trace(), to=one.id)]

    def bet_settled(self, trade: Trade, now: int) -> Message:
        """The end of an own player's side bet."""
        payload, to = payloads.bet_settled(trade), trade.player.id
        return Message("currentSidebetResult", payload, now, self._trace(), to=to)

    def trades(self, trades: Iterable[Trade], game_id: str, now: int) -> list[Message]:
        """Trades on the public feed; side bets are not announced."""
        return [
            Message(
                "standard/newTrade",
                payloads.new_trade(trade, game_id),
                now,
                self._trace(),
                game_id=game_id,
                player_id=trade.player.id,
            )
            for trade in trades
            if not trade.is_bet
        ]

    def say(
        self, words: chatter.Chatter, now: int, *, to: str | None = None, game_id: str | None = None
    ) -> Message:
        """Something that carries nothing we use."""
        event, payload, traced = words
        return Message(event, payload, now, self._trace() if traced else None, to, game_id)

    @staticmethod
    def _everything(at: Scene, board: Board, *, connect: bool) -> str:
        statistics, best = board.statistics, board.best
        return payloads.full_frame(at, board.history, statistics, best, connect=connect)

    def _frame(self, payload: str, now: int, frame: Frame) -> list[Message]:
        game_id = frame.game.id
        return [
            Message(FRAME, payload, now, game_id=game_id, meaning=frame),
            *self._own_ticks(now, frame),
        ]

    def _own_ticks(self, now: int, frame: Frame) -> list[Message]:
        messages = []
        pool = self._rugpool.short if self._lean else self._rugpool.long
        for one in self._own:
            news = self._news.pop(one.id, None)
            active = frame.phase in (ACTIVE, RUGGED)
            payload = payloads.player_tick(
                one, frame.game, frame.tick or 0, pool, news, active=active
            )
            name = "gameStatePlayerUpdate"
            messages.append(Message(name, payload, now, to=one.id, game_id=frame.game.id))
        return messages

    def _trace(self) -> str:
        return trace(self._traces)


def phase_of(at: Scene) -> int:
    """The phase a scene is in."""
    if at.rugged:
        return RUGGED
    return ACTIVE if at.active else PRESALE if at.presale else COOLDOWN


def _frame_of(at: Scene) -> Frame:
    return Frame(at.game, phase_of(at), at.tick, at.game.price(at.tick), at.timer)
