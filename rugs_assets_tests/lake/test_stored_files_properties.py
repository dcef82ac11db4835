"""Files of the event store that are decoded in one block give what they give one by one."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

from rugs_assets.lake import capture_reading, unit_writer
from rugs_assets.lake.landing import Inventory, Landing
from rugs_assets_tests.captures_builders import (
    KEY,
    ME,
    STORE_SCHEMA,
    Record,
    active,
    cooldown,
    event,
    game_history,
    player,
    pressed,
    rug,
    stored,
    write_store,
)

_FOLDER = "doc_type=ws_event/date=2025-12-15"
_BOARD = [{"id": ME, "positionQty": 2.0, "avgCost": 1.5, "pnl": 0.25, "totalInvested": 3.0}]

_ROWS: dict[str, Record] = {
    "frame": stored(active(1, 0)),
    "frame of another session": stored(active(1, 3), "s2"),
    "frame with the own player": stored(active(4, 4, leaderboard=_BOARD)),
    "cooldown that reveals": stored(
        cooldown(5, gameHistory=[game_history("20251214-" + "d" * 16, 1e12)])
    ),
    "rug": stored(rug(9, 8)),
    "own player": stored(player(2, 5.0, positionQty=1.0)),
    "press": pressed(6, tick=4, bet_amount=0.1),
    "rare and unused": stored(event(7, "ping")),
    "no number": {**stored(active(8, 7)), "seq": None},
    "other clock": {**stored(active(10, 9)), "ts": "2025-12-15T12:00:09+02:00"},
    "no stamp": {**stored(active(11, 9)), "ts": None},
    "no JSON": {**stored(active(12, 9)), "raw_json": "{cut"},
    "number below 0": {**stored(active(13, 9)), "seq": -1},
    "price of a wrong type": stored(event(14, "gameStateUpdate", {"price": "x"})),
    "tick and a half": stored(active(15, 9, tickCount=1.5)),
    "no game": stored(active(16, 9, game="20259999-" + "e" * 16)),
    "press of a wrong type": {**pressed(17), "raw_json": '{"tick": "x"}'},
}


def _odd(table: pa.Table) -> pa.Table:
    """The same rows with columns of other types, in another order, one of them missing."""
    kinds = {"seq": pa.string(), "ts": pa.dictionary(pa.int32(), pa.string())}
    fields = [pa.field(f.name, kinds.get(f.name, f.type)) for f in table.schema]
    kept = [field for field in reversed(fields) if field.name != "direction"]
    return pa.table({f.name: table[f.name].cast(f.type) for f in kept})


def _write(path: Path, names: list[str], shape: str) -> None:
    table = pa.Table.from_pylist([_ROWS[name] for name in names], STORE_SCHEMA)
    pq.write_table(_odd(table) if shape == "odd" else table, path, row_group_size=2)
    if shape == "damaged" and names:
        # The footer stays readable, a page in the middle does not.
        footer = pq.read_metadata(path)
        at = footer.row_group(footer.num_row_groups // 2)
        data = bytearray(path.read_bytes())
        start = at.column(0).data_page_offset
        data[start : start + 8] = b"\xff" * 8
        path.write_bytes(data)


def _all_of(inventory: Inventory) -> list[Any]:
    """Everything that a landing gives: rows, rejects, tallies, digests."""
    found = [(day, inventory.select(day)) for day in inventory.days]
    return [
        (
            day,
            [row for batch in held.events() for row in batch.to_pylist()],
            [row for batch in held.rejected() for row in batch.to_pylist()],
            held.tally(),
            held.input_digest,
        )
        for day, held in found
    ] + [*inventory.files]


def assert_one_by_one_the_same(folder: Path) -> Inventory:
    """Decoded in blocks that span files, and again with a block for each batch of a file."""
    found = []
    for rows_of_block in (12, 1):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(capture_reading, "ROWS_AT_ONCE", 4)
            patched.setattr(unit_writer, "ROWS_AT_ONCE", rows_of_block)
            cache = folder.parent / f"cache-{rows_of_block}"
            found.append(Landing(folder, cache, KEY).refresh())
    together, one_by_one = found
    assert _all_of(together) == _all_of(one_by_one)
    assert all(file.lost == 0 for file in together.files)
    return together


_files = st.lists(
    st.tuples(
        st.lists(st.sampled_from(sorted(_ROWS)), max_size=6),
        st.sampled_from(["plain", "plain", "odd", "damaged"]),
    ),
    max_size=6,
)


@given(_files)
@settings(max_examples=40, deadline=None)
def test_files_read_together_give_what_they_give_one_by_one(
    files: list[tuple[list[str], str]],
) -> None:
    with tempfile.TemporaryDirectory() as root:
        place = Path(root) / "in" / _FOLDER
        place.mkdir(parents=True)
        for number, (names, shape) in enumerate(files):
            _write(place / f"{number}.parquet", names, shape)
        assert_one_by_one_the_same(Path(root) / "in")


def test_every_kind_of_row_and_file_in_one_block(tmp_path: Path) -> None:
    place = tmp_path / "in" / _FOLDER
    place.mkdir(parents=True)
    for number, shape in enumerate(["plain", "damaged", "odd", "plain"]):
        _write(place / f"{number}.parquet", sorted(_ROWS), shape)
    _write(place / "none.parquet", [], "plain")
    inventory = assert_one_by_one_the_same(tmp_path / "in")
    plain, damaged, odd, again, none = inventory.files
    assert (plain.lines, plain.rejected) == (len(_ROWS), 7)
    assert plain.events + plain.rejected == len(_ROWS)
    assert 0 < damaged.duplicates < damaged.lines
    assert damaged.joined
    assert odd.duplicates == again.duplicates == len(_ROWS)
    assert none.lines == none.events == 0


def test_what_is_read_together_moves_no_end_of_a_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(8):
        rows = [stored(active(3 * number + seq, 3 * number + seq)) for seq in (1, 2, 3)]
        write_store(tmp_path / "in", rows, name=f"{_FOLDER}/{number}.parquet")
    monkeypatch.setattr(unit_writer, "BLOCK_ROWS", 7)
    (source,) = assert_one_by_one_the_same(tmp_path / "in").sources.values()
    facts = [block.facts for _, block in source.blocks]
    assert [(found.first_seq, found.last_seq) for found in facts] == [(1, 9), (10, 18), (19, 24)]
