"""A failure with its real reason, out of what a program or a service wrote last."""

from __future__ import annotations

import json
import re
from typing import Any

KEPT_LINES = 12
#: The last line of a traceback: the dotted name of an exception or one that ends as such names do.
_EXCEPTION = re.compile(r"((?:[a-z_]\w*\.)+[A-Z]\w*|[A-Z]\w*(?:Error|Exception|Exit|Interrupt))(: .*)?")
_SERIOUS = frozenset({"error", "critical"})


class Failure(Exception):
    """What went wrong, with the last output of the program that failed."""

    def __init__(self, message: str, *, output: str = "") -> None:
        self.message = message
        self.output = output
        super().__init__(_with_reason(message, output))


def _with_reason(message: str, output: str) -> str:
    """The message, the last lines of the output, and at the very end the line that says why."""
    lines = last_lines(output)
    if not lines:
        return message
    why = reason_in(output)
    shown = lines if lines[-1] == why else [*lines, why]
    return "\n".join([message, *(f"  {line}" for line in shown[:-1]), shown[-1]])


def last_lines(output: str, *, count: int = KEPT_LINES) -> list[str]:
    """The end of a log or of an output, with JSON lines written out."""
    return [line for line in _written_out(output) if line.strip()][-count:]


def reason_in(output: str) -> str:
    """The line that names the reason: the last exception, else the last error, else the last line."""
    lines = [line for line in _written_out(output) if line.strip()]
    for line in reversed(lines):
        if _EXCEPTION.fullmatch(line):
            return line
    serious = [line for line in lines if _is_serious(line)]
    return (serious or lines or ["it wrote nothing"])[-1].strip()


def errors_in(output: str) -> str:
    """The lines of a log that tell of errors, with what was raised; nothing else of it."""
    lines = _written_out(output)
    return "\n".join(line for line in lines if _EXCEPTION.fullmatch(line) or _is_serious(line))


def _is_serious(line: str) -> bool:
    return line.split(":", 1)[0].lower() in _SERIOUS


def _written_out(output: str) -> list[str]:
    lines: list[str] = []
    for line in output.splitlines():
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
