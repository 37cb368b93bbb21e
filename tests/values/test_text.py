"""The rule for all text that a person sees."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from app.domains.accounts.schemas import Registration, UserChange
from app.domains.banking.planning.schemas import CategoryIn
from app.domains.banking.schemas import NewHousehold
from app.domains.notifications.schemas import NotificationIn
from app.jobs.declaration.arguments import checked_arguments
from app.jobs.declaration.registry import spec_of
from app.outbound.mail.message import Subject
from app.outbound.mail.tasks import send_email
from app.values.text import one_line, several_lines

if TYPE_CHECKING:
    from collections.abc import Callable

SEEN = [
    "Jean\u00a0Paul",
    "Combien\u202f?",
    "山田\u3000太郎",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "क्\u200dष",
    "👩\u200d👩\u200d👧 home",
    "שלום \u200f!",
    "\U0001d50a\U0001d52f\U0001d52c",
    "a\u2028b",
    "\ue000private",
]
REFUSED = ["a\x00b", "ring\x07", "a\x1b[31m", "a\x7fb", "a\x85b", "a\x9bb", "half \ud83d", "\udcff"]
BLANK = ["", " ", "\u00a0", "\u3000\u200b\u200d", "\u2028"]
SAID = r"remove it|no visible|at least 1 character|unicode|surrogate"
MAKES: dict[str, Callable[[str], Any]] = {
    "user": lambda text: Registration(email="ann@example.org", name=text).name,
    "changed user": lambda text: UserChange(name=text).name,
    "household": lambda text: (
        NewHousehold(name=text, currency="EUR", members=[{"user_id": 1, "role": "admin"}]).name
    ),
    "category": lambda text: CategoryIn(name=text).name,
    "title": lambda text: NotificationIn(type="x", title=text, message="m").title,
    "message": lambda text: NotificationIn(type="x", title="t", message=text).message,
    "subject": TypeAdapter(Subject).validate_python,
    "body": lambda text: checked_arguments(
        spec_of(send_email.name), {"to_addresses": ["a@b.org"], "subject": "s", "body_text": text}
    )["body_text"],
}


@pytest.mark.parametrize("place", MAKES)
def test_every_place_takes_every_script_and_no_command(place: str) -> None:
    for text in SEEN:
        assert MAKES[place](text) == unicodedata.normalize("NFC", text)
    assert MAKES[place]("Cafe\u0301") == "Caf\u00e9"
    for text in REFUSED + BLANK:
        with pytest.raises(Exception, match=SAID):
            MAKES[place](text)


def test_lines_end_only_where_there_may_be_several() -> None:
    assert several_lines("Dear Ann,\r\n\tyours\n") == "Dear Ann,\n\tyours\n"
    for text in ("a\nb", "a\rb", "a\tb", "a\r\nb"):
        with pytest.raises(ValueError, match=r"U\+000[9AD]; remove it"):
            one_line(text)
    with pytest.raises(ValueError, match=r"U\+000D"):
        several_lines("a\rb")
    for place in ("user", "household", "title", "subject"):
        with pytest.raises(ValidationError, match="remove it"):
            MAKES[place]("Ann\nBcc: x@y.org")


@given(text=st.text(st.characters(), max_size=20))
def test_what_is_taken_can_be_stored_and_is_taken_again(text: str) -> None:
    try:
        taken = one_line(text)
    except ValueError:
        return
    taken.encode()
    assert one_line(taken) == taken
    assert not {unicodedata.category(character) for character in taken} & {"Cc", "Cs"}
