"""Simulate whole captures: from a plan to pieces of files, with the truth beside them.

In: a `Plan`. Out: `Output`s, in order. Grain: a piece of a file. Invariants: same plan, same bytes;
memory is that of two days' price curves and some seconds of records, however long the simulation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rugs_assets.domain.simulator.accounts import NANO, Account
from rugs_assets.domain.simulator.beats import Beat, Kind, timeline
from rugs_assets.domain.simulator.client import Client
from rugs_assets.domain.simulator.connections import Connection
from rugs_assets.domain.simulator.game_truth import GameTruth
from rugs_assets.domain.simulator.games import SECOND, Game, games_before, games_of_day
from rugs_assets.domain.simulator.network import Downlink
from rugs_assets.domain.simulator.outputs import Output, Progress
from rugs_assets.domain.simulator.plan import Format, Plan
from rugs_assets.domain.simulator.policies import POLICIES
from rugs_assets.domain.simulator.randomness import chance, hexadecimal, stream
from rugs_assets.domain.simulator.recorder import Recorder, Tape
from rugs_assets.domain.simulator.server import Server
from rugs_assets.domain.simulator.sessions import Session, faults_of_day, sessions_of_day
from rugs_assets.domain.simulator.store import StoreWriter
from rugs_assets.domain.simulator.truth import SessionTruth
from rugs_assets.domain.simulator.wire import RawWriter
from rugs_assets.domain.simulator.world import World


def simulate(plan: Plan) -> Iterator[Output]:
    """Run a simulation.

    Args:
        plan: what to simulate.

    Yields:
        Pieces of the captures (`Appended`, `Stored`), pieces of the truth (`Truth`), and `Progress`
        after every game. Paths are relative to the folder of the captures or of the truth; the
        truth must not lie in the captures' folder.

    Raises:
        ValueError: the plan names a policy that does not exist.
    """
    return _Simulation(plan).run()


class _Simulation:
    def __init__(self, plan: Plan) -> None:
        unknown = set(plan.policies) - set(POLICIES)
        if unknown:
            raise ValueError(f"no policy {sorted(unknown)}; there are {sorted(POLICIES)}")
        self._plan = plan
        self._outputs: list[Output] = []
        self._counts: Counter[str] = Counter()
        self._accounts = [player_account(plan, slot) for slot in range(plan.players)]
        self._truth = GameTruth(self._outputs)
        self._sessions: list[Connection] = []
        self._days = 0
        self._number = 0
        self._free_us = 0
        self._games = 0
        self._over: str | None = None

    def run(self) -> Iterator[Output]:
        plan = self._plan
        first = list(games_of_day(plan, 0, 0, 0))
        server = Server(plan, self._accounts, games_before(plan, first[0].created_us))
        beats = timeline(self._play_days(first), stream(plan.seed, "beats"))
        self._world = World(server, beats, stream(plan.seed, "delays"))
        while not self._world.is_over:
            self._admit()
            beat = self._world.advance()
            if beat is not None:
                self._after(beat)
                yield from self._drain()
        for connection in list(self._world.connections):
            self._end(connection)
        self._truth.close(self._counts)
        yield from self._drain()

    def _drain(self) -> list[Output]:
        outputs = self._outputs[:]
        self._outputs.clear()
        return outputs

    def _play_days(self, first: list[Game]) -> Iterator[Game]:
        """The games of all days; sessions are opened as their day is reached."""
        plan, games = self._plan, first
        for day in range(plan.days):
            sessions = sessions_of_day(plan, day, games)
            self._counts.update(faults_of_day(sessions, games))
            self._sessions += [self._connection(session) for session in sessions]
            yield from games
            self._number += len(games)
            free = games[-1].over_us if games else 0
            if day + 1 < plan.days:
                games = list(games_of_day(plan, day + 1, self._number, free))

    def _admit(self) -> None:
        if self._sessions:
            self._world.connections += self._sessions
            self._sessions = []

    def _after(self, beat: Beat) -> None:
        now = beat.at_us
        for connection in list(self._world.connections):
            if connection.recorder is not None:
                connection.recorder.flush(min(now, connection.stop_us))
            if connection.stop_us <= now:
                self._end(connection)
        if beat.kind is Kind.OPEN:
            self._plan_outages(beat.game)
        if beat.kind is Kind.CLOSED:
            self._close(beat.game)

    def _close(self, game: Game) -> None:
        """A game has been sent to its end; the one before it has also arrived."""
        for closed in self._world.server.closed:
            self._truth.add(closed)
        self._world.server.closed.clear()
        if self._over is not None:
            for connection in self._world.connections:
                if connection.recorder is not None:
                    connection.recorder.close_game(self._over)
        self._over = game.id
        self._games += 1
        plan = self._plan
        of = None if plan.games_per_day is None else plan.games_per_day * plan.days
        self._outputs.append(Progress(self._games, of, self._counts["events"]))

    def _end(self, connection: Connection) -> None:
        connection.hang_up()
        self._world.connections.remove(connection)
        self._counts["stalls"] += connection.downlink.stalls
        if connection.client is not None:
            self._counts["clumsy"] += connection.client.blunders
        if connection.recorder is not None:
            connection.recorder.close(connection.stop_us)

    def _plan_outages(self, game: Game) -> None:
        for connection in self._world.connections:
            rng = stream(self._plan.seed, "outage", game.number, connection.start_us)
            if connection.is_up and chance(rng, self._plan.faults.reconnects):
                length = game.over_us - game.created_us
                start = game.created_us + int(rng.random() * length)
                connection.outages.append((start, start + int((1 + 7 * rng.random()) * SECOND)))
                self._counts["reconnects"] += 1

    def _connection(self, session: Session) -> Connection:
        plan, rng = self._plan, stream(self._plan.seed, "line", session.number)
        account, client = None, None
        if session.has_player:
            account = self._accounts[session.slot]
            dealt = session.number // plan.sessions + session.slot
            policy = POLICIES[plan.policies[dealt % len(plan.policies)]]()
            mind = stream(plan.seed, "mind", session.number)
            client = Client(account, policy, mind, plan.faults.clumsy)
        tapes = self._tapes(session, account)
        recorder = Recorder(
            tapes, plan.faults, stream(plan.seed, "faults", session.number), self._counts
        )
        downlink = Downlink(rng, plan.faults.bursts)
        return Connection(session.start_us, session.stop_us, downlink, account, client, recorder)

    def _tapes(self, session: Session, account: Account | None) -> list[Tape]:
        """The session as it will be found: once, or twice where both formats are wanted.

        Presses are always in the event store: under the raw session's name where there is only
        that, else under the name of the session in the store.
        """
        plan, tapes = self._plan, []
        broken, source = plan.faults.broken, "cdp_intercept" if account else "public_ws"
        username = None if account is None else account.username
        for form in (Format.RAW_JSONL, Format.EVENT_STORE):
            if plan.format not in (form, Format.BOTH):
                continue
            raw = form is Format.RAW_JSONL
            name = session.raw_id if raw else session.uuid
            rng = stream(plan.seed, "damage", form, session.number)
            suffix = session.uuid[:8]
            presses = None
            if account is not None and (plan.format is form or not raw):
                presses = StoreWriter("button_event", name, "ui", suffix, 0.0, rng, self._outputs)
            writer: RawWriter | StoreWriter
            if raw:
                writer = RawWriter(
                    session.raw_path,
                    account is not None,
                    session.old,
                    session.offset_us,
                    broken,
                    rng,
                    self._outputs,
                )
            else:
                writer = StoreWriter("ws_event", name, source, suffix, broken, rng, self._outputs)
            file = f"{'raw' if raw else 'store'}-{session.number:05d}"
            tapes.append(Tape(writer, presses, SessionTruth(name, file, self._outputs), username))
        return tapes


def player_account(plan: Plan, slot: int) -> Account:
    """The own player of a slot, with enough money to lose for days."""
    rng = stream(plan.seed, "player", slot)
    name = f"did:privy:{hexadecimal(rng, 24)}"
    cash = 100 * NANO + rng.randrange(NANO)
    return Account(name, f"player-{hexadecimal(rng, 8)}", rng.randrange(1, 60), cash)
