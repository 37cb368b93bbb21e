"""What both kinds of stores promise."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from app.storage.errors import FileChanged, FileTooLarge, NoSuchFile, UnusableDigest, UnusableKey, WrongDigest
from app.storage.s3 import PART

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.storage.stores import Store

MIB = 1024 * 1024
LIMIT = 64 * MIB
KEY = "models/7/weights-1.bin"


def read(kept: Store, key: str = KEY, *, start: int = 0) -> bytes:
    return b"".join(kept.chunks(key, start=start))


@pytest.mark.parametrize("content", [b"", b"x", bytes(range(256)) * 5_000], ids=["empty", "byte", "mib"])
def test_what_is_put_is_what_is_read(kept: Store, content: bytes) -> None:
    stored = kept.put(KEY, [content[:7], b"", content[7:]], limit=LIMIT)

    assert (stored.key, stored.size, stored.sha256) == (
        KEY,
        len(content),
        hashlib.sha256(content).hexdigest(),
    )
    assert read(kept) == content
    assert kept.size(KEY) == kept.found(KEY).size == len(content)
    assert read(kept, start=3) == content[3:]
    assert read(kept, start=len(content)) == read(kept, start=len(content) + 9) == b""


@pytest.mark.parametrize("size", [PART - 1, PART, PART + 1])
def test_where_a_large_file_is_parted_nothing_is_lost(kept: Store, size: int) -> None:
    content = bytes(1023) + b"\x01"
    whole = (content * (size // 1024 + 1))[:size]

    assert kept.put(KEY, iter([whole]), limit=LIMIT).sha256 == hashlib.sha256(whole).hexdigest()
    assert hashlib.sha256(read(kept)).digest() == hashlib.sha256(whole).digest()
    assert read(kept, start=size - 5) == whole[-5:]


def test_the_same_file_again_is_fine_and_another_takes_its_place(kept: Store) -> None:
    first, again = (kept.put(KEY, [b"one"], limit=3) for _ in range(2))
    assert first == again
    before = kept.found(KEY).tag

    kept.put(KEY, [b"two"], limit=3)
    assert read(kept) == b"two"
    assert kept.found(KEY).tag != before
    with pytest.raises(FileChanged, match="replaced meanwhile"):
        kept.chunks(KEY, tag=before)


def test_a_file_over_its_limit_is_refused_and_the_one_before_stays(kept: Store) -> None:
    kept.put(KEY, [b"before"], limit=6)
    for content in (b"x" * 7, b"x" * (PART + 1)):
        with pytest.raises(FileTooLarge, match=f"over {len(content) - 1} bytes"):
            kept.put(KEY, [content[:5], content[5:]], limit=len(content) - 1)
    assert read(kept) == b"before"


def test_another_digest_than_announced_leaves_nothing(kept: Store) -> None:
    right = hashlib.sha256(b"right").hexdigest()
    for content in (b"wrong", b"w" * (PART + 1)):
        with pytest.raises(WrongDigest, match=right):
            kept.put(KEY, [content], limit=LIMIT, sha256=right)
    with pytest.raises(NoSuchFile):
        kept.found(KEY)
    assert kept.put(KEY, [b"right"], limit=LIMIT, sha256=right.upper()).sha256 == right
    for digest in ("", "abc", "g" * 64, "٣" * 64):
        with pytest.raises(UnusableDigest, match="no SHA-256"):
            kept.put(KEY, [b"right"], limit=LIMIT, sha256=digest)


@pytest.mark.parametrize("size", [5, PART + 1])
def test_a_source_that_fails_passes_its_own_error_on_and_leaves_nothing(kept: Store, size: int) -> None:
    def failing() -> Iterator[bytes]:
        yield bytes(size)
        raise FileNotFoundError("of the source")

    with pytest.raises(FileNotFoundError, match="of the source"):
        kept.put(KEY, failing(), limit=LIMIT)
    with pytest.raises(NoSuchFile):
        kept.size(KEY)


def test_what_is_deleted_is_gone_and_to_delete_it_again_is_fine(kept: Store) -> None:
    kept.put(KEY, [b"x"], limit=1)
    kept.delete(KEY)
    kept.delete(KEY)
    for ask in (kept.found, kept.size, kept.chunks):
        with pytest.raises(NoSuchFile, match=f'There is no file "{KEY}"'):
            ask(KEY)


@pytest.mark.parametrize(
    "key",
    [
        *(
            "",
            "/",
            "/etc/passwd",
            "a//b",
            "a/",
            "..",
            "a/../b",
            ".hidden",
            "a/.drafts",
            "-rf",
            "%2e%2e",
            "C:x",
        ),
        *("a\x00b", "a\nb", "a b", "a\\b", "ä", "a\ud800", "a" * 129, "a/" * 257 + "a", "a\n"),
    ],
)
def test_a_key_that_could_lead_elsewhere_is_refused(kept: Store, key: str) -> None:
    for ask in (kept.found, kept.size, kept.chunks, kept.delete):
        with pytest.raises(UnusableKey, match="is no key of a file"):
            ask(key)
    with pytest.raises(UnusableKey):
        kept.put(key, [b"x"], limit=1)


def test_a_store_that_works_has_nothing_to_say(kept: Store) -> None:
    kept.check()
    kept.check()


def test_of_two_writers_the_last_to_end_wins_with_all_of_its_file(kept: Store) -> None:
    def slow() -> Iterator[bytes]:
        yield b"of the "
        kept.put(KEY, [b"of the other"], limit=LIMIT)
        assert read(kept) == b"of the other"
        yield b"slow"

    kept.put(KEY, slow(), limit=LIMIT)
    assert read(kept) == b"of the slow"


def test_only_a_bucket_hands_files_out_by_itself(kept: Store) -> None:
    terms = {"disposition": "attachment", "media_type": "text/plain"}
    url = kept.url(KEY, expires=timedelta(hours=1), **terms)
    assert (url is not None) == (type(kept).__name__ == "S3Store")
