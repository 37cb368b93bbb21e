"""Fingerprints: errors of the same making are one, and those of another are not."""

from __future__ import annotations

import pytest

from app.jobs.statistics.fingerprints import MAX_READ, UNKNOWN, digest, fingerprint


@pytest.mark.parametrize(
    ("error", "title"),
    [
        ("ValueError: row 17 of 1,204 is wrong", "ValueError: row # of # is wrong"),
        ('KeyError: "order 5" is not there', 'KeyError: "…" is not there'),
        ("KeyError: 'order'", 'KeyError: "…"'),
        ("RuntimeError: it can't be; they don't", "RuntimeError: it can't be; they don't"),
        ("NotFound: job 01a22619-d502-774e-ae76-4f370209e820 is gone", "NotFound: job … is gone"),
        ("NotFound: invoice inv_8Gh2kd9 is gone", "NotFound: invoice … is gone"),
        ("MailRefused: ann@example.org bounced", "MailRefused: … bounced"),
        ("TimeoutError: after 0.5 s\nand more of it", "TimeoutError: after # s"),
        ("app.errors.OAuth2Error: 401", "app.errors.OAuth2Error: #"),
        ('KeyError: "never closed 5', 'KeyError: "…"'),
        ("expired", "expired"),
        ("Zeitüberschreitung: 漢字 7", "Zeitüberschreitung: 漢字 #"),
        ("ValueError: \ud800 5", "ValueError: \ud800 #"),
        ("", UNKNOWN),
        (" \n ", UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_what_differs_each_time_is_blanked(error: str | None, title: str) -> None:
    assert fingerprint(error).title == title
    assert len(digest("a.task", title)) == 16


def test_a_class_is_told_and_a_sentence_has_none() -> None:
    assert fingerprint("ValueError: 5").kind == "ValueError"
    assert fingerprint("The row 5 is wrong").kind is None


def test_a_long_error_costs_no_more_than_its_beginning() -> None:
    assert len(fingerprint("ValueError: " + "x" * 1_000_000).title) == MAX_READ
    for hostile in ("'" * MAX_READ, '"' * 299, "a1-" * 100, "@" * MAX_READ, "1." * 150):
        assert len(fingerprint(hostile).title) <= MAX_READ


def test_other_tasks_and_titles_have_other_digests() -> None:
    assert len({digest("a", "b"), digest("a", "c"), digest("b", "b"), digest("a\nb", "")}) == 4
