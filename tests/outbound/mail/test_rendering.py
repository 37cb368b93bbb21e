"""Mails made of templates."""

from __future__ import annotations

import pytest

from app.outbound.mail.rendering import CannotRender, render


def test_a_template_gives_subject_text_and_html() -> None:
    message = render(
        key="k",
        to=["ann@example.org"],
        template="accounts/welcome",
        context={"name": "Ann", "email": "a@b.org"},
    )
    assert message.subject == "Welcome, Ann"
    assert message.text.startswith("Hello Ann,\n\nyou are registered as a@b.org.")
    assert message.html
    assert "<strong>a@b.org</strong>" in message.html


def test_what_people_are_called_does_no_harm() -> None:
    name = "<script>\nBcc: x@y.org"
    message = render(
        key="k",
        to=["ann@example.org"],
        template="accounts/welcome",
        context={"name": name, "email": "a@b.org"},
    )
    assert message.subject == "Welcome, <script> Bcc: x@y.org"
    assert message.html
    assert "&lt;script&gt;" in message.html
    assert "<script>" not in message.html


@pytest.mark.parametrize(
    ("template", "problem"), [("accounts/welcome", "'name' is undefined"), ("accounts/farewell", "farewell")]
)
def test_a_mail_with_holes_is_not_sent(template: str, problem: str) -> None:
    with pytest.raises(CannotRender, match=f'"{template}" cannot be used: .*{problem}'):
        render(key="k", to=["ann@example.org"], template=template, context={"email": "a@b.org"})
