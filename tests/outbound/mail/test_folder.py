"""Mail kept in a folder."""

from __future__ import annotations

import email
from datetime import UTC, datetime
from email import policy
from typing import TYPE_CHECKING

import pytest

from app.outbound.deliveries.errors import NotSent
from app.outbound.deliveries.outcome import HandOver
from app.outbound.mail import folder
from app.outbound.mail.message import Message, on_the_wire

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def send(key: str = "k") -> str:
    message = Message(key=key, to=("ann@example.org",), subject="Hello", text="Hi\n")
    return folder.send(on_the_wire(message, at=datetime.now(UTC)), to=message.to, handover=HandOver()).id


def test_each_mail_is_one_file_however_often_it_is_sent(
    configure: Callable[..., None], tmp_path: Path
) -> None:
    configure(mail_folder=tmp_path / "mail")
    assert send() == send() != send("other")
    files = sorted(path.name for path in (tmp_path / "mail").iterdir())
    assert files == sorted([send(), send("other")])
    mail = email.message_from_bytes((tmp_path / "mail" / send()).read_bytes(), policy=policy.default)
    assert mail["Subject"] == "Hello"


def test_a_folder_that_cannot_be_one_is_named(configure: Callable[..., None], tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file")
    configure(mail_folder=tmp_path / "mail")
    with pytest.raises(NotSent, match="GROUNDWORK_MAIL_FOLDER"):
        send()
