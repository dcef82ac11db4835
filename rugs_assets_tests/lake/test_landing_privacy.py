"""No raw player id, no name, no chat and no key in anything that the landing stores."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from rugs_assets.domain.events import RAW_WS_EVENTS
from rugs_assets.lake.redaction import redacted
from rugs_assets_tests.captures_builders import (
    GAME_A,
    KEY,
    ME,
    OTHER,
    active,
    column,
    event,
    landed,
    line,
    own_events,
    player,
    pressed,
    rejected_of,
    stored,
    write_jsonl,
    write_store,
)

PSEUDONYM = "p-0123456789abcdef"
SECRETS = (ME, OTHER, "Bobby Tables", "meet me at the rug", KEY.decode())


def test_nothing_private_is_stored(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    own = {"id": ME, "username": "Bobby Tables", "positionQty": 1}
    other = {"id": OTHER, "username": "Bobby Tables", "positionQty": 1}
    chat = event(5, "newChatMessage", {"username": "Bobby Tables", "message": "meet me at the rug"})
    bought = {"id": "t", "playerId": OTHER, "username": "Bobby Tables", "gameId": GAME_A}
    frames = active(2, 0, leaderboard=[own, other])
    write_jsonl(
        folder,
        player(1, 1.0, username="Bobby Tables"),
        frames,
        event(3, "standard/newTrade", bought),
        event(4, "usernameStatus", {"id": ME, "username": "Bobby Tables"}),
        chat,
        line(frames)[:-3],
        line(chat)[:-8],
        {**frames, "ts": "when?"},
        {**chat, "ts": "when?"},
    )
    rows = [stored(frames), pressed(3), {**stored(chat, "s2"), "raw_json": line(chat)[:-3]}]
    write_store(folder, [{**row, "player_id": OTHER} for row in rows])
    inventory = landed(folder)
    assert sum(file.rejected for file in inventory.files) == 5
    written = [path for path in (tmp_path / "in-cache").rglob("*") if path.is_file()]
    assert {path.suffix for path in written} == {".json", ".parquet"}
    for path in written:
        text = path.read_bytes().decode("latin-1")
        if path.suffix == ".parquet":
            text += str(pq.read_table(path).to_pydict())
        assert not [secret for secret in SECRETS if secret in text], path.name


def test_no_column_is_meant_for_names_or_chat() -> None:
    assert not {"username", "message", "raw_json", "text"} & set(RAW_WS_EVENTS.names)


def test_the_same_player_has_the_same_pseudonym_everywhere(tmp_path: Path) -> None:
    write_jsonl(
        tmp_path / "in",
        player(1, 1.0),
        active(2, 0, leaderboard=[{"id": ME, "positionQty": 1}]),
        line(player(3, 2.0))[:-1],
    )
    inventory = landed(tmp_path / "in")
    (pseudonym,) = set(column(own_events(inventory), "player_id"))
    assert pseudonym.startswith("p-")
    assert pseudonym in rejected_of(inventory)[0]["raw_text"]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('{"username": "Bob", "price": 1', '{"username": "[removed]", "price": 1'),
        ('{"username": "Bo', '{"username": "[removed]"'),
        ('{"username":"a \\" b", "x": 1}', '{"username":"[removed]", "x": 1}'),
        ('{"message": "hi", "type": "tick"}', '{"message": "[removed]", "type": "tick"}'),
        ('{"playerId": "someone"}', '{"playerId": "' + PSEUDONYM + '"}'),
        ('{"id": "did:privy:ab-1"}', '{"id": "' + PSEUDONYM + '"}'),
        ("said did:privy:ab1, twice", f"said {PSEUDONYM}, twice"),
        (f'{{"id": "{GAME_A}"}}', f'{{"id": "{GAME_A}"}}'),
        ('{"raw": "{\\"username\\": \\"Bob\\"}"}', '{"raw": "{\\"username\\": \\"[removed]\\"}"}'),
        ('ername": "Bob", "level": 3}', 'ername": "[removed]", "level": 3}'),
        ('ob", "level": 3}', '[removed]", "level": 3}'),
        ('ice": 1.0, "phase": "UNKNOWN"}', 'ice": 1.0, "phase": "UNKNOWN"}'),
        ('type": "tick", "tick": 1}', 'type": "tick", "tick": 1}'),
        ('## remark: "unknown", it says', '## remark: "unknown", it says'),
    ],
)
def test_what_of_a_rejected_text_may_be_stored(text: str, kept: str) -> None:
    assert redacted(text.encode(), lambda _: PSEUDONYM) == kept


def test_bytes_that_are_no_text_are_escaped() -> None:
    assert redacted(b"\xff{", str) == "\\xff{"


@pytest.mark.parametrize("piece", [b"\\", b'"', b'"id":"', b'"id":"\\', b"did:", b'{"a":'])
def test_redaction_is_linear_in_a_text_made_to_be_slow(piece: bytes) -> None:
    # Quadratic work on 64 kB would not end within the test run's time limit.
    assert redacted(piece * (65_536 // len(piece)), lambda _: "p") is not None
