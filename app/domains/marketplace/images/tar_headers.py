"""The headers of a tar file, read with bounds: POSIX (ustar, pax) and GNU's long names.

Not by `tarfile`: it reads an extended header of any size into memory, and that of Python 3.11 never comes to
an end of some that are made for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from os import SEEK_END
from typing import TYPE_CHECKING, BinaryIO

from app.domains.marketplace.images.archive_errors import (
    DamagedArchive,
    NotAnArchive,
    TooManyOf,
    UnsafeMember,
)
from app.values.text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = 512
MAX_HEADERS = 20_000
MAX_EXTENDED_BYTES = 64 * 1024
FILE, HARD_LINK, SYMBOLIC_LINK, FOLDER = "0", "1", "2", "5"
#: Of members that are files, in old archives and by POSIX's "contiguous".
_FILES = {"0": FILE, "\0": FILE, "7": FILE}
_PAX, _PAX_OF_ALL, _GNU_NAME, _GNU_LINK = "x", "g", "L", "K"
_EXTENDED = frozenset({_PAX, _PAX_OF_ALL, _GNU_NAME, _GNU_LINK})
#: What may not be said of all members at once: then other readers see another archive.
_OF_ONE = frozenset({"path", "linkpath", "size"})
_NUMBER_IN_BYTES = 0x80
_OCTAL = b"01234567"


@dataclass(frozen=True, kw_only=True)
class Header:
    """What stands before a member."""

    name: str
    kind: str
    #: Where its content begins, and how long that is.
    start: int
    size: int
    target: str


class Headers:
    """Goes from header to header of a stream, from its beginning."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.end = stream.seek(0, SEEK_END)
        self._at = 0
        #: What extended headers say of the next member.
        self._extensions: dict[str, str] = {}

    def __iter__(self) -> Iterator[Header]:
        count = 0
        while (block := self.part(self._at, min(BLOCK, self.end - self._at))).strip(b"\0"):
            count += 1
            if count > MAX_HEADERS:
                raise TooManyOf(what="members", limit=MAX_HEADERS)
            header = self._read(block)
            self._at = header.start + -(-header.size // BLOCK) * BLOCK
            if header.kind in _EXTENDED:
                self._extensions |= self._extended(header)
            else:
                self._extensions = {}
                yield header

    def part(self, start: int, count: int) -> bytes:
        """So many bytes of the stream. Raises where it has fewer."""
        return part_of(self._stream, start, count)

    def _read(self, block: bytes) -> Header:
        if not _is_header(block):
            if self._at == 0:
                raise NotAnArchive(problem="it is no tar file")
            raise DamagedArchive(problem=f"there is no header of a member at byte {self._at}")
        kind = chr(block[156])
        extensions = {} if kind in _EXTENDED else self._extensions
        size = _plain(extensions["size"]) if "size" in extensions else _number(block[124:136])
        kind = _FILES.get(kind, kind)
        name = extensions.get("path") or _name(block)
        if kind not in {FILE, *_EXTENDED}:
            size = 0
        start = self._at + BLOCK
        if start + size > self.end:
            raise DamagedArchive(
                problem=f"{quoted(name)} says it has {size} bytes, and {self.end - start} are left"
            )
        target = extensions.get("linkpath") or _text(block[157:257])
        return Header(name=name, kind=kind, start=start, size=size, target=target)

    def _extended(self, header: Header) -> dict[str, str]:
        if header.size > MAX_EXTENDED_BYTES:
            raise UnsafeMember(name=header.name, problem=f"has a header of {header.size} bytes")
        content = self.part(header.start, header.size)
        if header.kind == _GNU_NAME:
            return {"path": _text(content)}
        if header.kind == _GNU_LINK:
            return {"linkpath": _text(content)}
        said = dict(_records(content))
        if any(key.startswith("GNU.sparse.") for key in said):
            raise UnsafeMember(name=header.name, problem="is sparse: make it without `tar --sparse`")
        told = {key: said[key] for key in _OF_ONE & set(said)}
        if header.kind == _PAX_OF_ALL and told:
            raise UnsafeMember(name=header.name, problem="gives all members one name or size")
        return told


def part_of(stream: BinaryIO, start: int, count: int) -> bytes:
    """So many bytes of a stream from a place on. Raises where it has fewer."""
    stream.seek(start)
    found = stream.read(count) if count else b""
    while len(found) < count:
        more = stream.read(count - len(found))
        if not more:
            raise DamagedArchive(problem=f"it ends in the middle of a member, at byte {start + len(found)}")
        found += more
    return found


def _name(block: bytes) -> str:
    name = _text(block[:100])
    prefix = _text(block[345:500]) if block[257:263] == b"ustar\0" else ""
    return f"{prefix}/{name}" if prefix else name


def _text(field: bytes) -> str:
    try:
        return field.partition(b"\0")[0].decode()
    except UnicodeDecodeError:
        raise UnsafeMember(name=ascii(field[:80]), problem="has a name that is not UTF-8") from None


def _is_header(block: bytes) -> bool:
    """Whether its checksum is right: the sum of its bytes, with spaces in place of the sum itself."""
    digits = block[148:156].strip(b" \0")
    if len(block) < BLOCK or not digits or digits.strip(_OCTAL):
        return False
    return int(digits, 8) == sum(block) - sum(block[148:156]) + 8 * ord(" ")


def _number(field: bytes) -> int:
    """Octal digits or, where they are too few, bytes (GNU)."""
    if field[0] == _NUMBER_IN_BYTES:
        return int.from_bytes(field[1:])
    digits = field.strip(b" \0")
    if digits.strip(_OCTAL):
        raise DamagedArchive(problem=f"{field!a} is no size of a member")
    return int(digits or b"0", 8)


def _plain(digits: str) -> int:
    if not digits.isascii() or not digits.isdigit() or len(digits) > 20:
        raise DamagedArchive(problem=f"{digits[:80]!a} is no size of a member")
    return int(digits)


def _records(content: bytes) -> Iterator[tuple[str, str]]:
    """The records of pax: `length key=value`, where the length counts all of it and the line's end."""
    at = 0
    while at < len(content):
        digits, space, _ = content[at : at + 8].partition(b" ")
        length = int(digits) if space and digits.isdigit() else 0
        record = content[at + len(digits) + 1 : at + length]
        key, equals, value = record.partition(b"=")
        if not equals or not value.endswith(b"\n"):
            raise DamagedArchive(problem="an extended header (pax) of a member cannot be read")
        yield _text(key), _text(value[:-1])
        at += length
