"""Bytes to records: where one record of a JSONL capture ends and the next begins.

In: a binary stream. Out: `Chunk` objects of decoded records with their line numbers, and what was
no record, with the reason. Grain: one record, normally one line. Invariants: every line is counted
once (`Chunk.lines` = blank + joined + records + rejected - doubled), memory is bounded by
`CHUNK_BYTES` and `LONGEST_LINE`, how the stream is cut into chunks changes nothing, and a broken
line never costs a good record beside it: chunks with any are left to ``broken_lines``. What a
record means does not belong here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from rugs_assets.domain import protocol
from rugs_assets.domain.broken_lines import LineByLine
from rugs_assets.domain.chunks import Block, Chunk, Reject
from rugs_assets.domain.protocol import Envelope
from rugs_assets.domain.seen_history import LARGE_LINE, SeenHistory

CHUNK_BYTES = 2 << 20
"""Read at a time: what is made of it is still in a core's cache when it goes into columns, and
calls are paid by the chunk."""

LONGEST_LINE = 16 << 20
"""The longest line that is read, in bytes; the longest real frames have half a million."""

KEPT_OF_A_LONG_LINE = 65_536
_OPEN, _CLOSE = b"{}"


def read_records(
    stream: BinaryIO, *, chunk_bytes: int = CHUNK_BYTES, longest_line: int = LONGEST_LINE
) -> Iterator[Chunk]:
    """Read a JSONL capture as chunks of records.

    Args:
        stream: the (decompressed) bytes of one file, read once from its present position.
        chunk_bytes: how much is read at a time.
        longest_line: a line with more bytes is rejected, and a record over many lines with more
            bytes is not put together.

    Yields:
        Chunks in order, together covering every line.
    """
    slow = LineByLine(longest_line)
    seen = SeenHistory()
    line_number = 0
    for block in _blocks(stream, min(chunk_bytes, longest_line), longest_line):
        if isinstance(block, Reject):
            line_number += 1
            yield slow.skip(line_number, block)
            continue
        chunk = None if slow.pending else _fast(block, seen, line_number)
        chunk = slow.read(block.joined(), line_number) if chunk is None else chunk
        line_number += block.lines
        del block
        yield chunk
        del chunk  # its memory serves the next one
    yield slow.finish()


def _fast(block: Block, seen: SeenHistory, line_number: int) -> Chunk | None:
    """The whole block at once, where each line is plainly one object; else None."""
    if block.head and not (block.head[:1] == b"{" and block.head.endswith((b"}\n", b"}\r\n"))):
        return None
    if not _are_objects(block):
        return None
    # No newline can then stand inside of an object: as many objects as lines is one on each.
    envelopes = _decode(block, seen)
    if envelopes is None or len(envelopes) != block.lines:
        return None
    for envelope in envelopes:
        if envelope.event is None and envelope.event_type is None and envelope.type is None:
            return None
    positions = range(line_number + 1, line_number + block.lines + 1)
    return Chunk(list(envelopes), positions, lines=block.lines, block=block)


def _are_objects(block: Block) -> bool:
    """Whether each line of what was read begins and ends as an object does."""
    if not block.newlines:
        return True
    text = np.frombuffer(block.text, np.uint8)
    ends = np.array(block.newlines)
    if text[block.start] != _OPEN or (text[ends[:-1] + 1] != _OPEN).any():
        return False
    is_closed = text[ends - 1] == _CLOSE
    if is_closed.all():
        return True
    before = (block.text[max(end - 2, 0) : end] for end in ends[~is_closed].tolist())
    return all(last == b"}\r" for last in before)


def _decode(block: Block, seen: SeenHistory) -> list[Envelope] | None:
    """All lines of a block: the large ones each without what they repeat, the others at once."""
    envelopes: list[Envelope] = []
    whole = memoryview(block.text)
    pieces: list[tuple[int, int, bool]] = []
    start = last = block.start
    for at in block.newlines:
        if at - last > LARGE_LINE:
            pieces += (start, last, False), (last, at + 1, True)
            start = at + 1
        last = at + 1
    pieces.append((start, last, False))
    if block.head and not _decode_large(block.head, seen, envelopes):
        return None
    for start, end, is_large in pieces:
        if is_large:
            if not _decode_large(block.text[start:end], seen, envelopes):
                return None
        elif end > start:
            found = protocol.decode_lines(whole[start:end])
            if found is None:
                return None
            envelopes += found
    return envelopes


def _decode_large(line: bytes, seen: SeenHistory, envelopes: list[Envelope]) -> bool:
    found = protocol.decode_lines(seen.reduce(line) if len(line) > LARGE_LINE else line)
    if found is None or len(found) != 1:
        return False
    envelopes += found
    if len(line) > LARGE_LINE:
        seen.learn(line, found[0])
    return True


def _blocks(stream: BinaryIO, size: int, longest: int) -> Iterator[Block | Reject]:
    """Cut a stream into blocks of whole lines; an over-long line comes as a reject.

    No line within what is read at once is over-long (``size`` <= ``longest``), so only the first
    line of a block, which began before it, has to be measured.
    """
    rest, head, skipped = b"", b"", 0
    while data := stream.read(size):
        first = data.find(b"\n")
        of_line = first if first >= 0 else len(data)
        if skipped or len(rest) + of_line > longest:
            missing = KEPT_OF_A_LONG_LINE - len(head)
            head += (rest + data[: min(of_line, missing)])[:missing]
            skipped += len(rest) + of_line
            rest = b""
            if first < 0:
                continue
            yield _over_long(head, skipped, longest)
            head, skipped, data = b"", 0, data[first + 1 :]
            first = data.find(b"\n")
        end = data.rfind(b"\n") + 1
        if end:
            begin = first + 1 if rest else 0
            yield Block(rest + data[:begin], data, begin, end)
            rest = data[end:]
        else:
            rest += data
    if skipped:
        yield _over_long(head, skipped, longest)
    elif rest:
        yield Block(rest + b"\n", b"", 0, 0)


def _over_long(head: bytes, length: int, longest: int) -> Reject:
    return Reject(0, f"a line longer than {longest} bytes", head, length)
