"""Decompression: the plain bytes of a capture file, however it is packed.

In: a binary file. Out: a stream of its bytes; gzip and zstd are told by their first bytes, never by
name. Invariants: what stands before a break in a compressed file is given, and `PlainBytes.broken`
says why it ended; however far the bytes expand, only little more than was asked for is held (a bomb
streams), and a file that expands beyond `LARGEST_RATIO` ends there; no more than ``limit`` bytes of
the file are read, so that a file that grows meanwhile ends where it ended when it was looked at.
"""

from __future__ import annotations

import io
import zlib
from typing import BinaryIO, Protocol

import xxhash
import zstandard

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_SKIPPED = b"\x2a\x4d\x18"
"""Behind one of 0x50 to 0x5f: a zstd frame that is skipped, as pzstd puts ahead of each one."""
LARGEST_RATIO = 500
"""How often its size a packed file may expand to; captures come to a hundred times at most."""

FREE_BYTES = 64 << 20
"""Plain bytes that a packed file may hold whatever its size."""

_GZIP_PIECE = 64 << 10
_ZSTD_PIECE = 256
"""Compressed bytes given to zstd at a time, which can't be told how much to give back: a block of
four bytes may hold 128 kB."""


class _Unpacker(Protocol):
    """Takes packed bytes and gives plain ones."""

    is_whole: bool

    def unpack(self, source: FirstBytes, size: int) -> bytes | None:
        """The next plain bytes, about ``size`` of them or fewer; None at the end."""


class _Plain:
    is_whole = True

    def unpack(self, source: FirstBytes, size: int) -> bytes | None:
        return source.read(size) or None


class _Gzip:
    """Members of a gzip file, one after the other."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self._rest = b""
        self.is_whole = False

    def unpack(self, source: FirstBytes, size: int) -> bytes | None:
        packed = self._rest or source.read(_GZIP_PIECE)
        if self._member.eof:
            while packed and not packed.strip(b"\0"):  # zeros may pad a member, by the megabyte
                packed = source.read(_GZIP_PIECE)
            self._rest = packed = packed.lstrip(b"\0")
            if packed:
                self._member, self.is_whole = zlib.decompressobj(wbits=31), False
        if not packed:
            return None
        plain = self._member.decompress(packed, size)
        self._rest = self._member.unused_data or self._member.unconsumed_tail
        self.is_whole = self._member.eof
        return plain


class _Zstd:
    """Frames of a zstd file, one after the other."""

    def __init__(self) -> None:
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._rest = b""
        self.is_whole = False

    def unpack(self, source: FirstBytes, size: int) -> bytes | None:
        packed = self._rest or source.read(_ZSTD_PIECE)
        if not packed:
            return None
        if self._frame.eof:
            self._frame = zstandard.ZstdDecompressor().decompressobj()
        self.is_whole = False
        plain = self._frame.decompress(packed)
        self._rest = self._frame.unused_data if self._frame.eof else b""
        self.is_whole = self._frame.eof
        return plain


class FirstBytes(io.RawIOBase):
    """The first ``limit`` bytes of a stream; ``missing`` is how many of them are still to come."""

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self._stream = stream
        self.missing = limit

    def read(self, size: int = -1) -> bytes:
        """Read up to ``size`` bytes; all of them where it is negative."""
        size = self.missing if size < 0 else min(size, self.missing)
        data = self._stream.read(size)
        self.missing -= len(data)
        return data


class PlainBytes(io.RawIOBase):
    """The plain bytes of a file.

    Attributes:
        broken: why the bytes end before their end; None where they do not, or not yet.
        given: how many plain bytes were read so far.

    Args:
        file: at its beginning, seekable.
        limit: how many bytes of it are read.
    """

    def __init__(self, file: BinaryIO, limit: int) -> None:
        head = file.read(min(4, limit))
        file.seek(0)
        self._source = FirstBytes(file, limit)
        self._unpacker: _Unpacker = _Plain()
        self._allowed = limit * LARGEST_RATIO + FREE_BYTES
        if head[:2] == GZIP:
            self._unpacker = _Gzip()
        elif head == ZSTD or (head[1:] == _SKIPPED and head[0] >> 4 == 5):
            self._unpacker = _Zstd()
        self._digest = xxhash.xxh3_128()
        self._held = b""
        self._has_ended = False
        self.broken: str | None = None
        self.given = 0

    def read(self, size: int = -1) -> bytes:
        """Read ``size`` bytes; fewer only at the end.

        Raises:
            ValueError: where no size is given; a stream may be longer than memory.
            OSError: the file cannot be read now; that is no break, for the next try may succeed.
        """
        if size < 0:
            raise ValueError("PlainBytes is read piece by piece, never all at once")
        self._hold(size)
        found, self._held = self._held[:size], self._held[size:]
        self._digest.update(found)
        self.given += len(found)
        return found

    def hexdigest(self) -> str:
        """The digest of the bytes read so far (xxh3-128, hex)."""
        return self._digest.hexdigest()

    def _hold(self, size: int) -> None:
        pieces = [self._held] if self._held else []
        missing = size - len(self._held)
        while missing > 0 and not self._has_ended:
            pieces.append(self._next(missing))
            missing -= len(pieces[-1])
            if self.given + size - missing > self._allowed:
                self._has_ended = True
                self.broken = f"it expands to more than {LARGEST_RATIO} times its size"
        self._held = pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _next(self, size: int) -> bytes:
        try:
            piece = self._unpacker.unpack(self._source, size)
        except (zlib.error, zstandard.ZstdError) as error:
            self.broken = f"{type(error).__name__}: {error}"
            piece = None
        if piece is None:
            self._has_ended = True
            if self.broken is None and self._source.missing:
                self.broken = f"the file lost its last {self._source.missing} bytes meanwhile"
            elif self.broken is None and not self._unpacker.is_whole:
                self.broken = "the compressed file ends early"
        return piece or b""
