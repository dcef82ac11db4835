"""The server: plays the beats of games and carries out the own players' orders.

In: beats and orders, in order of time. Out: messages. Invariants: all that a message says is true
of the moment it is sent; own players' money moves only here and in `market`, through their
accounts; trades never move the price.
"""

from __future__ import annotations

from collections.abc import Callable

from rugs_assets.domain.simulator import chatter
from rugs_assets.domain.simulator.accounts import Account, Refused
from rugs_assets.domain.simulator.beats import FIRST_TIMER, PRESALE_TIMER, Beat, Kind
from rugs_assets.domain.simulator.entries import Trade
from rugs_assets.domain.simulator.games import MS, Game
from rugs_assets.domain.simulator.market import Market
from rugs_assets.domain.simulator.messages import Answered, Message, Order
from rugs_assets.domain.simulator.plan import Payload, Plan
from rugs_assets.domain.simulator.randomness import chance, stream
from rugs_assets.domain.simulator.rounds import Round, Scene
from rugs_assets.domain.simulator.standings import Rugpool, Standings
from rugs_assets.domain.simulator.voice import Voice

_FEED_LAG_TICKS = 9
_REFUSES = 0.02
_THINKS_US = 5 * MS


class Server:
    """The world: one game after the other, its crowd, and the own players.

    Args:
        plan: the arguments.
        own: the own players' accounts.
        before: finished games to look back on, oldest first; at least one.

    Attributes:
        closed: rounds of which everything has been sent; whoever reads them takes them away.
    """

    def __init__(self, plan: Plan, own: list[Account], before: list[Game]) -> None:
        lean = plan.payload is Payload.LEAN
        self._own, self._lean, self._throttled = own, lean, plan.throttled_trades
        self._rng = stream(plan.seed, "server")
        self.market = Market(stream(plan.seed, "market"), own, 3 if lean else 10, lean=lean)
        self.standings = Standings(lean)
        for game in before:
            self.standings.add(game)
        self.rugpool = Rugpool(stream(plan.seed, "rugpool"))
        self._voice = Voice(plan, own, self.standings, self.rugpool)
        self._round = self._last = Round(Scene(before[-1]), {})
        self._count = 0
        self.closed: list[Round] = []
        self._plays: dict[Kind, Callable[[Beat], list[Message]]] = {
            Kind.OPEN: self._open,
            Kind.TIMER: self._timer,
            Kind.FULL_OPEN: self._full_open,
            Kind.START: self._start,
            Kind.FULL_START: self._full_start,
            Kind.TICK: self._tick,
            Kind.RUG: self._rug,
            Kind.SETTLED: self._settled,
            Kind.FULL_RUG: self._full_rug,
            Kind.FEED: self._feed,
            Kind.TALK: self._talk,
            Kind.CLOSED: self._close,
        }

    def play(self, beat: Beat) -> list[Message]:
        """Do what a beat says; returns what is sent, in order."""
        return self._plays[beat.kind](beat)

    def welcome(self, at_us: int, one: Account | None) -> list[Message]:
        """What somebody who connects is told."""
        return self._voice.welcome(self._round.scene, at_us, one)

    def carry_out(self, one: Account, order: Order, at_us: int) -> list[Message]:
        """Deal with an own player's order; returns the answer and what follows from it."""
        at, voice, sent = self._round.scene, self._voice, at_us + _THINKS_US
        try:
            if chance(self._rng, _REFUSES):
                raise Refused("too many requests")
            trade = self._execute(one, order, at_us)
        except Refused as refusal:
            return [voice.answer(one, Answered(order, at_us, reason=str(refusal)), sent)]
        price = None if trade.is_bet else trade.price
        done = Answered(order, at_us, None, trade.id, trade.tick, price)
        messages = [voice.answer(one, done, sent)]
        if trade.is_bet:
            messages += voice.bet_placed(one, sent)
        messages.append(voice.update(one, at, sent))
        voice.tell(trade)
        at.leaderboard = self._leaderboard(at)
        return messages + self._announce([trade], sent)

    def _execute(self, one: Account, order: Order, at_us: int) -> Trade:
        at = self._round.scene
        game, tick = at.game, at.tick
        playing = at.active and not at.rugged
        if not playing and not at.presale:
            raise Refused("the round is not open")
        price = game.price(tick)
        kind, amount = "buy", order.value
        if order.event == "sellOrder":
            if not playing:
                raise Refused("the round has not started")
            kind = "sell"
            qty, amount = one.sell(order.value, price)
        elif order.event == "requestSidebet":
            kind, qty = "sidebet", one.place_side_bet(amount, tick).amount
        else:
            qty = one.buy(amount, price)
        trade = self.market.log(one, kind, amount, qty, game, at_us, tick=tick)
        self._round.trades.append(trade)
        return trade

    def _cash(self) -> dict[str, int]:
        return {one.id: one.cash for one in self._own}

    def _open(self, beat: Beat) -> list[Message]:
        last = self._round
        if last.scene.rugged:
            last.after, last.board = self._cash(), self.standings.board()
            game = last.scene.game
            self.rugpool.take(game.rug_tick, self.market.losses(), beat.at_us)
            self.standings.add(game, self.market.sidebets)
        self._count = self.market.count
        self.market.open()
        scene = Scene(beat.game, timer=FIRST_TIMER, leaderboard=last.scene.leaderboard)
        scene.players = self.market.drift()
        self._last, self._round = last, Round(scene, self._cash())
        return []

    def _timer(self, beat: Beat) -> list[Message]:
        at, now = self._round.scene, beat.at_us
        at.timer = beat.number
        messages: list[Message] = []
        if beat.number == PRESALE_TIMER:
            at.presale, at.leaderboard = True, ""
            messages += self._voice.standard(at, now, self._count)
        elif at.presale:
            made = self.market.presale(at.game, now)
            self._round.trades += made
            if made:
                at.leaderboard = self._leaderboard(at)
                messages += self._announce(made, now)
            if beat.number % 1000 == 0:
                at.players = self.market.drift()
        return messages + self._voice.cooldown(at, now)

    def _full_open(self, beat: Beat) -> list[Message]:
        at = self._round.scene
        timer, at.timer = at.timer, beat.number
        messages = self._voice.full(at, beat.at_us)
        at.timer = timer
        return messages

    def _start(self, beat: Beat) -> list[Message]:
        at, now = self._round.scene, beat.at_us
        at.active, at.presale, at.timer, at.leaderboard = True, False, 0, ""
        updates = [self._voice.update(one, at, now) for one in self._own]
        return self._voice.start(at, now) + updates

    def _full_start(self, beat: Beat) -> list[Message]:
        return self._voice.full(self._round.scene, beat.at_us)

    def _tick(self, beat: Beat) -> list[Message]:
        at, now = self._round.scene, beat.at_us
        at.tick = beat.number
        made = self.market.tick(at.game, at.tick, now)
        messages: list[Message] = []
        for one in self._own:
            if one.side_bet is not None and at.tick >= one.side_bet.end:
                lost = self.market.settle(at.game, one, at.tick, now, won=False)
                made.append(lost)
                messages += [self._voice.bet_settled(lost, now), self._voice.update(one, at, now)]
        self._round.trades += made
        at.leaderboard = self._leaderboard(at)
        if at.tick % 4 == 0:
            at.players = self.market.drift()
        messages += self._voice.standard(at, now, self.market.count)
        return messages + self._announce(made, now)

    def _rug(self, beat: Beat) -> list[Message]:
        at, now = self._round.scene, beat.at_us
        at.tick, at.rugged = at.game.rug_tick, True
        self._round.trades += self.market.rug(at.game, now)
        at.leaderboard = self._leaderboard(at)
        return self._voice.standard(at, now, self.market.count)

    def _settled(self, beat: Beat) -> list[Message]:
        """Tell what the rug did: it was all settled before the rug's own frame was sent."""
        at, now = self._round.scene, beat.at_us
        forced = [trade for trade in self._round.trades if trade.tick == at.game.rug_tick]
        messages = self._announce(forced, now)
        for one in self._own:
            own = [trade for trade in forced if trade.player is one]
            messages += [self._voice.bet_settled(trade, now) for trade in own if trade.is_bet]
            if own:
                messages.append(self._voice.update(one, at, now))
        return messages

    def _full_rug(self, beat: Beat) -> list[Message]:
        ended, now = self._ended(beat.game), beat.at_us
        at = ended.scene
        at.tick = beat.number
        # It may come after the next game was opened, and still says what was so during its own.
        messages = self._voice.full(at, now, ended.board)
        if not self._lean:
            words = chatter.golden_drawing(self._rng, at.game.id, now // MS)
            messages.append(self._voice.say(words, now, game_id=at.game.id))
        return messages

    def _close(self, beat: Beat) -> list[Message]:
        ended = self._ended(beat.game)
        ended.after = ended.after or self._cash()
        self.closed.append(ended)
        return []

    def _ended(self, game: Game) -> Round:
        """The round of a game that may have been followed by the next already."""
        return self._round if self._round.scene.game is game else self._last

    def _feed(self, beat: Beat) -> list[Message]:
        """The public feed's mark: one trade, a little old; presale's only at the very start."""
        if not self._throttled:
            return []
        at, known = self._round.scene, self._round.announced
        newest = max(0, at.tick - self._rng.randrange(_FEED_LAG_TICKS))
        for trade in reversed(self.market.trades):
            if trade.tick <= at.tick - _FEED_LAG_TICKS:
                break
            if trade.tick <= newest and trade.id not in known:
                return self._announced([trade], beat.at_us)
        return []

    def _talk(self, beat: Beat) -> list[Message]:
        words = chatter.small_talk(self._rng)
        return [] if words is None else [self._voice.say(words, beat.at_us)]

    def _announce(self, trades: list[Trade], now: int) -> list[Message]:
        return [] if self._throttled else self._announced(trades, now)

    def _announced(self, trades: list[Trade], now: int) -> list[Message]:
        self._round.announced.update(trade.id for trade in trades if not trade.is_bet)
        return self._voice.trades(trades, self._round.scene.game.id, now)

    def _leaderboard(self, at: Scene) -> str:
        return self.market.leaderboard(at.game, at.tick, active=at.active)
