"""A deploy that fails ends with the line that says why."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from ansible.module_utils.groundwork.failures import KEPT_LINES, Failure, errors_in, reason_in


def words_of(code: str) -> str:
    """What Python says when this fails."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode != 0
    return done.stderr


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise RuntimeError('no: such thing')", "RuntimeError: no: such thing"),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("import json; json.loads('{')", "json.decoder.JSONDecodeError: Expecting property name"),
        ("assert False", "AssertionError"),
    ],
)
def test_the_reason_is_the_exception_of_a_traceback(code: str, reason: str) -> None:
    assert reason_in(words_of(code) + "groundwork.service: Failed with result 'exit-code'.\n").startswith(
        reason
    )


def test_the_reason_is_found_inside_of_a_log_line() -> None:
    lines = [
        {"level": "info", "event": "starting"},
        {"level": "error", "event": "request_failed", "exception": words_of("raise KeyError('price')")},
        {"level": "info", "event": "request", "status": 500},
    ]
    assert reason_in("\n".join(map(json.dumps, lines))) == "KeyError: 'price'"


def test_without_an_exception_the_last_error_is_the_reason() -> None:
    lines = [{"level": "error", "event": "no broker"}, {"level": "info", "event": "bye"}]
    assert reason_in("\n".join(map(json.dumps, lines))) == "error: no broker"


def test_without_anything_serious_the_last_line_is_the_reason() -> None:
    assert reason_in("one\ntwo\n\n") == "two"


def test_a_failure_begins_with_what_failed_and_ends_with_why() -> None:
    said = str(Failure("The API could not start.", output=words_of("raise ValueError('here')") + "bye\n"))
    assert said.splitlines()[0] == "The API could not start."
    assert said.splitlines()[-1] == "ValueError: here"


def test_a_failure_keeps_the_last_lines_only() -> None:
    said = str(Failure("It failed.", output="\n".join(f"line {number}" for number in range(1000))))
    assert len(said.splitlines()) == KEPT_LINES + 1
    assert said.endswith("line 999")


def test_a_failure_without_words_is_its_sentence() -> None:
    assert str(Failure("It failed.")) == "It failed."


def test_of_a_log_only_the_errors_are_taken() -> None:
    lines = [
        {"level": "info", "event": "RuntimeError is no name of an event"},
        {"level": "error", "event": "claim_failed", "exception": words_of("raise KeyError('price')")},
        {"level": "warning", "event": "slow"},
        {"level": "critical", "event": "worker_ends"},
    ]
    assert errors_in("\n".join(map(json.dumps, lines))).splitlines() == [
        "error: claim_failed",
        "KeyError: 'price'",
        "critical: worker_ends",
    ]
    assert errors_in('{"level": "info", "event": "ready"}\nplain words\n') == ""
