"""Where files may be kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.settings.config import settings
from app.settings.sources import ConfigError
from app.settings.storage_place import Bucket, parse

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("var/storage", Path("var/storage")),
        ("/srv/Dateien für alle", Path("/srv/Dateien für alle")),
        ("s3://my-bucket", Bucket(name="my-bucket", prefix="")),
        ("s3://my.bucket/", Bucket(name="my.bucket", prefix="")),
        ("s3://my-bucket/a/b_1/", Bucket(name="my-bucket", prefix="a/b_1")),
    ],
)
def test_a_folder_or_a_bucket_is_named(text: str, place: Path | Bucket) -> None:
    assert parse(text) == place


@pytest.mark.parametrize(
    "text",
    [
        *(" ", "a\x00b", "a\nb", "\ud800", "gs://bucket", "http://host/path", "file:///srv"),
        *("s3://", "s3://a", "s3://Bucket", "s3://bucket//a", "s3://bucket/../a", "s3://bucket/a?b"),
        *("s3://bucket/" + "a" * 257, "s3://" + "a" * 64, "s3://user:password@host/bucket"),
    ],
)
def test_what_is_neither_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="write the path of a folder, or s3://bucket/prefix"):
        parse(text)


def test_a_service_does_not_start_with_such_a_setting(configure: Callable[..., None]) -> None:
    configure(storage="gs://bucket")
    with pytest.raises(ConfigError, match="GROUNDWORK_STORAGE: gs:// is not known"):
        settings()
    configure(storage="")
    assert settings().storage_place == Path("var/storage")
