"""Events that carry nothing we use, and that every capture is full of all the same.

In: a generator. Out: (event, JSON, traced) in the members of the real captures; lists inside are
shortened. Invariant: nothing here says anything about a game's course or a player's money.
"""

from __future__ import annotations

from random import Random

from rugs_assets.domain.simulator.randomness import chance, hexadecimal, uuid

Chatter = tuple[str, str, bool]

_EVENT_ID = "admin-8ef16a3a-d63d-430a-9224-012b3a11e6c3"
_GOLDEN_EVENT = (
    f'{{"id": "{_EVENT_ID}", "startTime": "2025-12-14T05:05:00.000Z", '
    '"endTime": "2025-12-15T05:05:00.000Z", "prepTimeMinutes": 0, "levelRequired": 10, '
    '"status": "SCHEDULED", "createdAt": "2025-12-14T05:01:15.318Z", "createdBy": "admin", '
    '"prizeAmount": 0.05, "maxEntries": 50, "durationMinutes": 60}'
)
GOLDEN: Chatter = (
    "goldenHourUpdate",
    f'{{"status": "ACTIVE", "activeEventId": "{_EVENT_ID}", "currentEvent": {_GOLDEN_EVENT}, '
    f'"upcomingEvents": [], "events": [{_GOLDEN_EVENT}], "currentGameIsGolden": true}}',
    True,
)
_QUEUE = '{"active": false, "queueSize": 0, "availableLobbies": 0}'
BATTLE: Chatter = (
    "battleEventUpdate",
    '{"status": "SCHEDULED", "startTime": null, "endTime": null, "nextEventStartTime": null, '
    '"currentEvent": null, "nextEvent": null, "leaderboard": [], "fullLeaderboardSize": 0, '
    '"playerPosition": null, "participantCount": 0, "activeBattleCount": 0, '
    f'"lobbyCreationDisabled": false, "queue": {_QUEUE}, "isShowingPreviousEvent": null, '
    '"eventSchedule": [], "config": {"token": "0xPractice", "startingBalance": 100, '
    '"prepTimeMinutes": 30, "levelRequired": 1}}',
    True,
)
ROYALE: Chatter = (
    "rugRoyaleUpdate",
    '{"status": "INACTIVE", "activeEventId": null, "currentEvent": null, "upcomingEvents": [], '
    '"events": [], "leaderboard": [], "history": [], "playerPosition": null, '
    '"timeRemaining": null, "finalRound": false, "isInFinalRound": false, "config": {"token": '
    '"0xPractice", "startingBalance": 100, "prepTimeMinutes": 30, "levelRequired": 1, '
    '"prizeTiers": {"1": 3, "2": 1, "3": 0.5, "4": 0.15, "5": 0.1, "6-10": 0.05}}}',
    False,
)
SIDEBETS: Chatter = (
    "sidebetEventUpdate",
    '{"status": "INACTIVE", "activeEventId": null, "currentEvent": null, "upcomingEvents": [], '
    '"events": [], "leaderboard": [], "history": [], "playerPosition": null, '
    '"timeRemaining": null, "finalRound": false, "isInFinalRound": false, "config": '
    '{"prepTimeMinutes": 30, "levelRequired": 1, "prizeTiers": {"1": 1, "2": 0.5}}}',
    True,
)
MAINTENANCE: Chatter = (
    "maintenanceUpdate",
    '{"active": false, "message": "Server will reboot after this round.", "mega": false}',
    True,
)
CHAT: Chatter = ("newChatMessage", "{}", False)
PING: Chatter = ("ping", "null", False)

ON_CONNECT: tuple[Chatter, ...] = (GOLDEN, BATTLE, ROYALE, SIDEBETS, MAINTENANCE)
"""What the server says to everybody who connects, after the full frame."""


ON_LOGIN: tuple[Chatter, ...] = (
    ("chatHistory", "{}", False),
    ("mutedPlayers", "{}", False),
    ("leaderboardData", "{}", True),
    ("inboxMessages", "{}", False),
    ("playerCosmetics", "{}", False),
    ("playerLeaderboardPosition", "{}", True),
    ("rugpassStatus", "{}", True),
)
"""What the server says to an own player who connects, after who it is; emptied."""


def small_talk(rng: Random) -> Chatter | None:
    """What may come at any time: mostly nothing, sometimes chat or news of an event."""
    if not chance(rng, 0.012):
        return None
    return (CHAT, CHAT, GOLDEN, BATTLE, SIDEBETS, PING)[rng.randrange(6)]


def golden_drawing(rng: Random, game_id: str, at_ms: int) -> Chatter:
    """The drawing that follows a game in a golden hour."""
    player = f"did:privy:{hexadecimal(rng, 24)}"
    entries = (
        f'{{"playerId": "{player}", "username": "player-{hexadecimal(rng, 8)}", '
        f'"entryCount": 50, "entryPercentage": 100}}'
    )
    data = (
        f'{{"id": "{uuid(rng)}", "timestamp": {at_ms}, "gameId": "{game_id}", '
        f'"entries": [{entries}], "winnerIndex": 0, "prizeAmount": 0.05, '
        f'"winnerPlayerId": "{player}"}}'
    )
    return ("goldenHourDrawing", data, True)


def username_status(player_id: str, username: str | None) -> Chatter:
    """Who the own player is."""
    name = "null" if username is None else f'"{username}"'
    known = "false" if username is None else "true"
    data = f'{{"id": "{player_id}", "username": {name}, "hasUsername": {known}}}'
    return ("usernameStatus", data, True)
