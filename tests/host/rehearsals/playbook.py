"""Runs a playbook as an operator would, and notes when it said what."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ANSIBLE = Path(sys.executable).with_name("ansible-playbook")
_STEP = re.compile(r"^(?:TASK|RUNNING HANDLER) \[(?:(?P<role>[\w.-]+) : )?(?P<name>.*?)\] \*")
_RECAP = re.compile(r"^\S+ +: ok=\d+ +changed=(\d+) +unreachable=(\d+) +failed=(\d+)", re.MULTILINE)
#: What stands for the tasks of a play itself.
PLAY = "(playbook)"


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of output, and when it came (monotonic)."""

    at: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Step:
    """A task as it ran: of which role, and for how long."""

    role: str
    name: str
    began: float
    seconds: float


@dataclass
class Playbook:
    """One run; `wait` for it, or `kill` it as a lost controller would end."""

    popen: subprocess.Popen[str]
    began: float = field(default_factory=time.monotonic)
    lines: list[Line] = field(default_factory=list)
    ended: float = 0.0

    @classmethod
    def start(cls, name: str, *, inventory: Path, ansible: Path, arguments: Sequence[str] = ()) -> Playbook:
        """Start `name` of the folder `ansible`."""
        popen = subprocess.Popen(
            [ANSIBLE, "-i", inventory, *arguments, ansible / name],
            cwd=ansible,
            env=_environment(inventory, ansible=ansible),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        run = cls(popen)
        threading.Thread(target=run._read, daemon=True).start()
        return run

    def wait(self, *, seconds: float = 900) -> int:
        """The exit code."""
        wait_until(lambda: self.ended, seconds=seconds, what="the playbook has ended")
        return self.popen.wait()

    def succeed(self, *, seconds: float = 900) -> Playbook:
        """Wait for a good end; anything else fails with what was said."""
        code = self.wait(seconds=seconds)
        assert code == 0, f"The playbook ended with {code}:\n{self.tail(60)}"
        return self

    def wait_for(self, text: str, *, seconds: float = 300) -> Line:
        """The first line with `text`."""

        def said() -> Line | None:
            found = self.find(text)
            assert found or not self.ended, f'It ended without "{text}":\n{self.tail(40)}'
            return found

        found: Line = wait_until(said, seconds=seconds, what=f'the playbook says "{text}"')
        return found

    def find(self, text: str) -> Line | None:
        """The first line so far with `text`."""
        return next((line for line in list(self.lines) if text in line.text), None)

    def kill(self) -> None:
        """End it and what it started at once, as when the controller loses power."""
        for pid in [self.popen.pid, *_descendants(self.popen.pid)]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.popen.wait()

    @property
    def seconds(self) -> float:
        return self.ended - self.began

    @property
    def output(self) -> str:
        return "\n".join(line.text for line in self.lines)

    @property
    def changed(self) -> int:
        """Of all hosts together."""
        return sum(int(changed) for changed, _, _ in _RECAP.findall(self.output))

    def tail(self, count: int) -> str:
        """The last lines that say something."""
        return "\n".join([line.text for line in self.lines if line.text.strip()][-count:])

    def steps(self) -> list[Step]:
        """Every task in its order."""
        heads = [(line.at, found) for line in self.lines if (found := _STEP.match(line.text))]
        ends = [at for at, _ in heads[1:]] + [self.ended or time.monotonic()]
        return [
            Step(role=found["role"] or PLAY, name=found["name"], began=at, seconds=end - at)
            for (at, found), end in zip(heads, ends, strict=True)
        ]

    def seconds_by_role(self) -> dict[str, float]:
        """Roles in the order of their first task; the rest of the time is the play's own."""
        sums: dict[str, float] = {}
        for step in self.steps():
            sums[step.role] = sums.get(step.role, 0.0) + step.seconds
        return sums

    def _read(self) -> None:
        assert self.popen.stdout
        for text in self.popen.stdout:
            self.lines.append(Line(at=time.monotonic(), text=text.rstrip("\n")))
        self.popen.wait()
        self.ended = time.monotonic()


def _environment(inventory: Path, *, ansible: Path) -> dict[str, str]:
    """Nothing of this user's own settings, and nothing left behind in their home."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    return own | {
        "ANSIBLE_CONFIG": str(ansible / "ansible.cfg"),
        "ANSIBLE_HOME": str(inventory.parent / "ansible-home"),
        # Else a task is not named before its first result, and looks as if it took no time.
        "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "true",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_HOST_KEY_CHECKING": "false",
        "PYTHONUNBUFFERED": "1",
    }


def _descendants(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, task.read_text().split()):
                yield child
                yield from _descendants(child)
