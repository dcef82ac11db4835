"""One session's line to the server: up or down, with a client or a recorder at its end, or both.

In: messages the server sends. Out: what arrives when. Invariant: while the line is down nothing
passes either way; coming up again is a connect like the first one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rugs_assets.domain.simulator.accounts import Account
from rugs_assets.domain.simulator.client import Client
from rugs_assets.domain.simulator.messages import Frame, Message
from rugs_assets.domain.simulator.network import Downlink
from rugs_assets.domain.simulator.recorder import Recorder
from rugs_assets.domain.simulator.recording import Holdings, Record

FOREVER = 1 << 62


@dataclass(slots=True)
class Connection:
    """A line.

    Attributes:
        start_us: when it first connects.
        stop_us: when it ends for good.
        downlink: how long messages take.
        account: the own player, None for a public feed.
        client: the own player's client.
        recorder: what writes the session down.
        is_up: whether it is connected.
        outages: (from, until) of losses to come, in order.
    """

    start_us: int
    stop_us: int
    downlink: Downlink
    account: Account | None = None
    client: Client | None = None
    recorder: Recorder | None = None
    is_up: bool = False
    outages: list[tuple[int, int]] = field(default_factory=list)

    def is_for(self, message: Message) -> bool:
        """Whether a message is sent down this line."""
        if not self.is_up:
            return False
        return message.to is None or (self.account is not None and message.to == self.account.id)

    def carry(self, message: Message) -> int:
        """Send a message down; returns when it arrives."""
        at = self.downlink.arrival(message.sent_us, len(message.payload))
        if self.recorder is not None:
            frame = message.meaning if isinstance(message.meaning, Frame) else None
            holdings = None
            if self.account is not None and frame is not None:
                holdings = holdings_of(self.account, frame)
            self.recorder.receive(message, at, holdings)
        return at

    def should_be_up(self, now_us: int) -> bool:
        """Whether the line ought to be up at a time; past outages are forgotten."""
        while self.outages and self.outages[0][1] <= now_us:
            self.outages.pop(0)
        if not self.start_us <= now_us < self.stop_us:
            return False
        return not self.outages or now_us < self.outages[0][0]

    def hang_up(self) -> None:
        """The line is lost."""
        self.is_up = False
        if self.client is not None:
            self.client.disconnect()

    def say_hello(self, now_us: int) -> None:
        """What the own client sends when it connects; a public recorder notes that it did."""
        self.is_up = True
        if self.recorder is None:
            return
        if self.account is None:
            self.recorder.note(Record(now_us, "connect", "null"))
            return
        for wait, (event, data) in enumerate(
            (
                ("chatHistory", "null"),
                ("getLeaderboard", '{"period": "7d"}'),
                ("authenticate", "{}"),
                ("getPlayerCosmetics", "null"),
                ("checkUsername", "null"),
                (
                    "getPlayerLeaderboardPosition",
                    f'{{"playerId": "{self.account.id}", "period": "7d"}}',
                ),
            )
        ):
            self.recorder.note(Record(now_us + wait, event, data, sent=True))


def holdings_of(one: Account, frame: Frame) -> Holdings:
    """A player's exact state, profit at the frame's price."""
    bet = one.side_bet
    return Holdings(
        one.cash,
        one.qty,
        one.average_cost,
        one.invested,
        one.pnl(1.0 if frame.price is None else frame.price),
        0 if bet is None else bet.amount,
        None if bet is None else bet.end,
    )
