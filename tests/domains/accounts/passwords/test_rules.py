"""Which passwords may be chosen, and that one password is the same from every keyboard."""

from __future__ import annotations

import unicodedata

import pytest

from app.domains.accounts.passwords.errors import UnusablePassword, WeakPassword
from app.domains.accounts.passwords.rules import MAX_LENGTH, MIN_LENGTH, prepared, refuse_weak
from app.errors import InvalidInput

ABOUT = ("annabel.lee.smith@example.org", "Annabel Lee Smith")


@pytest.mark.parametrize(
    "password",
    [
        "wide rivers run slowly",
        "aaaaaaaaaaaaaab",
        "000000000000001",
        "широка река течёт медленно",
        "広い川はゆっくりと海へ流れていく",
        "נהרות רחבים זורמים לאט",
        "🐌🌊🐌🌊🏞️🌅🌌🌠🌉🎆🎇🌃🏙🌄🌇",
        " leading and trailing ",
        "x" * 200 + "y" * (MAX_LENGTH - 200),
    ],
)
def test_any_script_and_no_composition_is_asked_for(password: str) -> None:
    refuse_weak(prepared(password), about=ABOUT)


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("", "it has 0 characters; give 15 or more"),
        ("Tr0ub4dor&3!xyz"[:14], "it has 14 characters"),
        ("a" * MIN_LENGTH, "repeats a few characters"),
        ("abcd" * 5 + "ab", "repeats a few characters"),
        ("PasswordPassword", "on a list"),
        ("123456789012345", "on a list"),
        ("Correct Horse Battery Staple", "on a list"),
        ("annabel lee smith", "the name or the address"),
        ("Annabel.Lee.Smith@example.org", "the name or the address"),
        ("annabel.lee.smith", "the name or the address"),
    ],
)
def test_what_is_guessed_first_is_refused_and_it_is_said_why(password: str, said: str) -> None:
    with pytest.raises(WeakPassword) as caught:
        refuse_weak(prepared(password), about=ABOUT)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("x" * (MAX_LENGTH + 1), "over 256 characters"),
        ("x" * 10_000_000, "over 256 characters"),
        # Each of these is three characters in normal form.
        ("\U0001d160" * 100, "in normal form"),
        ("wide rivers\x00run slowly", r"control character U\+0000"),
        ("wide rivers\nrun slowly", r"control character U\+000A"),
        ("wide rivers \ud800 run slowly", r"half of a surrogate pair, U\+D800"),
    ],
)
def test_what_nobody_can_type_is_refused(password: str, said: str) -> None:
    with pytest.raises(UnusablePassword, match=said):
        prepared(password)


@pytest.mark.parametrize("password", ["short", "a" * 20, "sesame\x00 open the mountain", "z" * 5_000])
def test_no_sentence_holds_the_password(password: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        refuse_weak(prepared(password), about=ABOUT)
    assert password[:5] not in str(caught.value)


def test_a_password_is_one_whatever_the_form_of_its_letters_and_spaces() -> None:
    typed = "über die Flüsse gehen wir"
    forms = {unicodedata.normalize(form, typed) for form in ("NFC", "NFD")}
    forms.add(typed.replace(" ", "\N{NO-BREAK SPACE}"))
    assert len(forms) == 3
    assert {prepared(form) for form in forms} == {typed}


def test_the_case_and_the_width_of_letters_count() -> None:
    assert len({prepared(password) for password in ("Flüsse", "flüsse", "\uff26\uff2cüsse", "FLüsse")}) == 4
