"""A stored file is read from any place, and in one go where it is read on."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest

from app.domains.marketplace.version_images.stored_stream import StoredStream
from app.storage.errors import FileChanged, NoSuchFile
from app.storage.local import LocalStore
from tests.domains.marketplace.images.samples import noise

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = noise(700_000)


class Counting(LocalStore):
    """Counts how often it is asked for a file."""

    asked = 0

    def chunks(self, key: str, **options: Any) -> Any:
        self.asked += 1
        return super().chunks(key, **options)


@pytest.fixture
def store(tmp_path: Path) -> Counting:
    made = Counting(tmp_path / "store")
    made.put("a/file", [CONTENT], limit=len(CONTENT))
    return made


def test_any_part_is_what_the_file_has_there(store: Counting) -> None:
    with io.BufferedReader(StoredStream(store, "a/file"), 4_096) as stream:
        for start, count in ((0, 10), (699_990, 100), (300_000, 300_000), (5, 0), (262_140, 8), (0, 700_001)):
            assert stream.seek(start) == start
            assert stream.read(count) == CONTENT[start : start + count]
        assert stream.seek(0, io.SEEK_END) == len(CONTENT)
        assert stream.read(1) == b""
        assert stream.seek(900_000) == 900_000
        assert stream.read() == b""


def test_who_reads_on_asks_once(store: Counting) -> None:
    with io.BufferedReader(StoredStream(store, "a/file"), 4_096) as stream:
        assert b"".join(iter(lambda: stream.read(10_000), b"")) == CONTENT
    assert store.asked == 1


def test_a_file_that_is_another_one_meanwhile_is_not_mixed_with_it(store: Counting) -> None:
    with io.BufferedReader(StoredStream(store, "a/file"), 4_096) as stream:
        stream.read(10)
        store.put("a/file", [CONTENT[::-1]], limit=len(CONTENT))
        stream.seek(500_000)
        with pytest.raises(FileChanged):
            stream.read(10)


def test_a_file_that_is_not_there_is_said_to_be(store: Counting) -> None:
    with pytest.raises(NoSuchFile):
        StoredStream(store, "a/nothing")
