"""What is printed, on any terminal and on none."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from app.terminal import ago, as_text, print_document, print_json, print_rows

NOW = datetime.now(UTC)
ROWS = [{"id": "a" * 120, "seen_at": None, "note": "[bold]not markup[/bold]"}]


@pytest.mark.parametrize(
    ("distance", "said"),
    [
        (timedelta(seconds=5), "5 s ago"),
        (timedelta(seconds=119), "119 s ago"),
        (timedelta(minutes=2, seconds=1), "2 min ago"),
        (timedelta(hours=3), "3 h ago"),
        (timedelta(days=40), "40 d ago"),
        (-timedelta(hours=2, minutes=1), "in 2 h"),
    ],
)
def test_a_time_is_said_in_one_unit(distance: timedelta, said: str) -> None:
    assert ago(datetime.now(UTC) - distance) == said


def test_a_cell_says_nothing_for_none_and_joins_a_list() -> None:
    assert (as_text(None), as_text(["a", "b"]), as_text(7)) == ("", "a, b", "7")


def test_what_would_move_the_cursor_is_spelled_out(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([{"error": "\x1b[2Jgone\r\x9b"}], columns=("error",), as_json=False, empty="None.")
    assert "\\x1b[2Jgone\\x0d\\x9b" in capsys.readouterr().out


def test_a_pipe_gets_long_ids_whole_and_markup_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows(ROWS, columns=("id", "seen_at", "note"), as_json=False, empty="None.")
    printed = capsys.readouterr().out
    assert "a" * 120 in printed
    assert "[bold]not markup[/bold]" in printed


def test_nothing_is_a_sentence_for_people_and_an_empty_list_for_scripts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_rows([], columns=("id",), as_json=False, empty="There is none.")
    print_rows([], columns=("id",), as_json=True, empty="There is none.")
    assert capsys.readouterr().out == "There is none.\n[]\n"


def test_times_in_json_are_iso_8601(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"at": NOW})
    assert json.loads(capsys.readouterr().out) == {"at": NOW.isoformat()}


def test_a_document_leaves_out_what_is_unset(capsys: pytest.CaptureFixture[str]) -> None:
    print_document({"id": "x", "error": None, "attempts": [], "result": {"at": NOW}})
    printed = capsys.readouterr().out
    assert "error" not in printed
    assert NOW.isoformat() in printed
