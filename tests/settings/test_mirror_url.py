"""Where results are mirrored: each kind of store, and one sentence for what is none."""

from __future__ import annotations

import pytest

from app.settings.mirror_url import UnusableMirrorUrl, parse


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://user:secret-word@host:6380/3", "redis://host:6380/3"),
        ("rediss://:secret-word@host/0", "rediss://host:6379/0"),
        ("db+postgresql://me:secret-word@host:5433/results", "postgresql://host:5433/results"),
        ("db+mysql://me:secret-word@host/results", "mysql://host/results"),
    ],
)
def test_each_store_is_read_and_shown_without_its_password(url: str, shown: str) -> None:
    place = parse(f" {url}\n")
    assert place.shown == shown
    assert "secret-word" not in repr(place)


@pytest.mark.parametrize(
    "url",
    [
        "secret-word",
        "amqp://secret-word@host",
        "unix:///secret-word",
        "redis://host/secret-word",
        "postgresql://secret-word@host/results",
        "db+sqlite:///secret-word",
        "db+postgresql://me:secret-word@host",
        "db+mysql://me:secret-word@host",
        "db+mysql://me:secret@word@host@other/results",
        "db+mysql:///secret-word",
        "db+mysql://host:secret-word/results",
    ],
)
def test_what_is_none_is_refused_in_a_sentence_that_does_not_show_it(url: str) -> None:
    with pytest.raises(UnusableMirrorUrl) as raised:
        parse(url)
    assert "secret-word" not in str(raised.value)
    assert "host" in str(raised.value)
