"""The bytes of a MATLAB file as they are asked for, unpacked on the way, never more than the file accounts for."""

from __future__ import annotations

import zlib
from typing import BinaryIO

PIECE = 256 * 1024  # bytes read from disk at once
AHEAD = 4 * 1024 * 1024  # bytes unpacked at once, so that an ordinary file is unpacked in one go
VALUES, VALUES_PER_BYTE = 128_000_000, 8  # bytes of memory that a file's values may take, and more for its size
UNPACKED, UNPACKED_PER_BYTE = 512_000_000, 8  # bytes that may be unpacked, kept or not: a second or two
ITEM = 400  # bytes of memory that a value takes in addition to its numbers, as its reading takes time

LARGEST_EMPTY = 10_000_000  # product of the other sizes of an array that has one of 0


class DamagedError(Exception):
    """What is wrong with the bytes, in a few words."""


class TooLargeError(Exception):
    """More comes out of the packed parts than any file of its size holds."""


class MemoryLimit:
    """How much memory the values of one file may still take, and how many bytes may still be unpacked.

    Arguments:
        size: of the file, bytes.
    """

    def __init__(self, size: int) -> None:
        self.left = VALUES + VALUES_PER_BYTE * size
        self._unpacked = UNPACKED + UNPACKED_PER_BYTE * size

    def take(self, count: int) -> bool:
        """Whether `count` bytes and a value's overhead fit; they are taken where they do."""
        if count + ITEM > self.left:
            return False
        self.left -= count + ITEM
        return True

    def unpack(self, count: int) -> None:
        """Counts bytes that were unpacked; raises `TooLargeError` where it gets too many."""
        self._unpacked -= count
        if self._unpacked < 0:
            raise TooLargeError


class Stream:
    """Bytes in order: `buffer[at:]` is what comes next, as far as `reach` has brought it in.

    Attributes:
        buffer, at: the bytes at hand, and the place in them.
        start: offset of `buffer[0]` from the beginning.
    """

    def __init__(self) -> None:
        self.buffer = b""
        self.at = 0
        self.start = 0

    def _more(self, count: int) -> bytes:
        """Some of the bytes that follow, `count` if convenient; none at the end."""
        raise NotImplementedError

    @property
    def place(self) -> int:
        """Offset of the next byte from the beginning."""
        return self.start + self.at

    def reach(self, count: int) -> None:
        """Makes sure that the next `count` bytes are at hand; raises `DamagedError` where there are fewer."""
        missing = self.at + count - len(self.buffer)
        if missing <= 0:
            return
        pieces = [self.buffer[self.at :]]
        while missing > 0:
            piece = self._more(missing)
            if not piece:
                raise DamagedError("it ends early")
            pieces.append(piece)
            missing -= len(piece)
        self.start += self.at
        self.at = 0
        self.buffer = b"".join(pieces)

    def skip_to(self, place: int) -> None:
        """Goes forward to an offset, without keeping what lies between; raises as `reach`."""
        self._check_forward(place)
        while place - self.start > len(self.buffer):
            self.start += len(self.buffer)
            self.at = 0
            self.buffer = self._more(min(place - self.start, AHEAD))
            if not self.buffer:
                raise DamagedError("it ends early")
        self.at = place - self.start

    def _check_forward(self, place: int) -> None:
        if place < self.place:
            raise DamagedError("an element goes beyond the one that it lies in")

    def ended(self) -> bool:
        """Whether no byte follows."""
        if self.at == len(self.buffer):
            self.start += self.at
            self.at = 0
            self.buffer = self._more(PIECE)
        return not self.buffer


class FileStream(Stream):
    """The bytes of a file as they are on disk."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file

    def _more(self, count: int) -> bytes:
        return self._file.read(min(max(count, 4 * PIECE), AHEAD))

    def skip_to(self, place: int) -> None:
        """See `Stream`; whoever knows the file's length sees to it that the place is within."""
        self._check_forward(place)
        if place - self.start <= len(self.buffer):
            self.at = place - self.start
        else:
            self._file.seek(place)
            self.start, self.at, self.buffer = place, 0, b""


class UnpackedStream(Stream):
    """The next `size` bytes of another stream, unpacked (zlib).

    Arguments:
        packed: the stream, which is read as far as the unpacked bytes are asked for.
        size: of the packed bytes.
        limit: of the file.
    """

    def __init__(self, packed: Stream, size: int, limit: MemoryLimit) -> None:
        super().__init__()
        self._packed, self._end, self._limit = packed, packed.place + size, limit
        self._inflate = zlib.decompressobj()
        self._tail = b""

    def _more(self, count: int) -> bytes:
        while not self._inflate.eof:
            if not self._tail:
                self._tail = self._next_piece()
            piece = self._inflate.decompress(self._tail, max(count, AHEAD))
            exhausted = not self._tail and not piece
            self._tail = self._inflate.unconsumed_tail
            if piece:
                self._limit.unpack(len(piece))
                return piece
            if exhausted:
                raise DamagedError("its packed part ends early")
        return b""

    def finish(self) -> None:
        """Unpacks the rest, so that its checksum is compared with what came out, and goes to the end of the part."""
        while not self.ended():
            self.at = len(self.buffer)
        self._packed.skip_to(self._end)

    def _next_piece(self) -> bytes:
        size = min(PIECE, self._end - self._packed.place)
        if size == 0:
            return b""
        self._packed.reach(size)
        at = self._packed.at
        self._packed.at += size
        return self._packed.buffer[at : at + size]
