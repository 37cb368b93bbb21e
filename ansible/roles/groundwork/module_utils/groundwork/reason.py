"""The real reason of a failure, out of a service's last words."""

from __future__ import annotations

import json
import re
from typing import Any

KEPT_LINES = 12
#: The last line of a traceback: the dotted name of an exception or one that ends as such names do.
_EXCEPTION = re.compile(r"((?:[a-z_]\w*\.)+[A-Z]\w*|[A-Z]\w*(?:Error|Exception|Exit|Interrupt))(: .*)?")
_SERIOUS = frozenset({"error", "critical"})


class Failure(Exception):
    """What went wrong in a sentence, with the last words of whoever failed."""

    def __init__(self, sentence: str, *, words: str = "") -> None:
        self.sentence = sentence
        self.words = words
        super().__init__(in_full(sentence, words=words))


def in_full(sentence: str, *, words: str) -> str:
    """The sentence, the last lines, and at the very end the line that says why."""
    lines = last_lines(words)
    if not lines:
        return sentence
    why = reason_in(words)
    shown = lines if lines[-1] == why else [*lines, why]
    return "\n".join([sentence, *(f"  {line}" for line in shown[:-1]), shown[-1]])


def last_lines(words: str, *, count: int = KEPT_LINES) -> list[str]:
    """The end of a log or of an output, with JSON lines written out."""
    return [line for line in _written_out(words) if line.strip()][-count:]


def reason_in(words: str) -> str:
    """The line that names the reason: the last exception, else the last error, else the last line."""
    lines = [line for line in _written_out(words) if line.strip()]
    for line in reversed(lines):
        if _EXCEPTION.fullmatch(line):
            return line
    serious = [line for line in lines if _is_serious(line)]
    return (serious or lines or ["it said nothing"])[-1].strip()


def errors_in(words: str) -> str:
    """The lines of a log that tell of errors, with what was raised; nothing else of it."""
    lines = _written_out(words)
    return "\n".join(line for line in lines if _EXCEPTION.fullmatch(line) or _is_serious(line))


def _is_serious(line: str) -> bool:
    return line.split(":", 1)[0].lower() in _SERIOUS


def _written_out(words: str) -> list[str]:
    lines: list[str] = []
    for line in words.splitlines():
        event = _event(line)
        if event is None:
            lines.append(line.rstrip())
            continue
        lines.append(f"{event.get('level', 'info')}: {event.get('event', line)}")
        lines += str(event.get("exception") or "").splitlines()
    return lines


def _event(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
