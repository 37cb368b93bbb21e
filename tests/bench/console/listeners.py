"""Pages that stay open: each asks as often as `live.js` does, and notes when it first shows a text."""

from __future__ import annotations

import http.client
import re
import threading
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from app.console import places
from app.console.assets import FOLDER
from app.console.live import HEADER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

TIMEOUT_SECONDS = 10


def every_seconds() -> float:
    """How long `live.js` waits between an answer and its next question."""
    found = re.search(r"EVERY_MS = (\d+)", (FOLDER / "live.js").read_text())
    assert found
    return int(found[1]) / 1000


class Listener(threading.Thread):
    """A page that is open."""

    def __init__(self, *, port: int, cookie: str, first_after: float) -> None:
        super().__init__(daemon=True)
        self._port, self._cookie, self._first_after = port, cookie, first_after
        self._every = every_seconds()
        self._over = threading.Event()
        self.asked = 0
        #: Of each text that is waited for, when it was there.
        self.shown: dict[str, float] = {}
        self.awaited: str | None = None
        self.problem: str | None = None

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_SECONDS)
        headers = {"Cookie": self._cookie, HEADER.decode(): "1", "Accept-Encoding": "identity"}
        pause = self._first_after
        while not self._over.wait(pause):
            connection.request("GET", places.ROOT, headers=headers)
            answer = connection.getresponse()
            body = answer.read().decode()
            if answer.status != HTTPStatus.OK:
                self.problem = f"answered {answer.status}: {body[:200]}"
                return
            self.asked += 1
            text = self.awaited
            if text is not None and text in body:
                self.shown.setdefault(text, time.time())
            pause = self._every

    def stop(self) -> None:
        self._over.set()


class Consoles:
    """Some of them, for as long as the block lasts."""

    def __init__(self, *, port: int, cookie: str, number: int) -> None:
        # As people open them: not all in the same moment.
        after = (place * every_seconds() / number for place in range(number))
        self.listeners = [Listener(port=port, cookie=cookie, first_after=each) for each in after]

    def __enter__(self) -> Self:
        for listener in self.listeners:
            listener.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        for listener in self.listeners:
            listener.stop()
        for listener in self.listeners:
            listener.join(TIMEOUT_SECONDS)
        problems = [listener.problem for listener in self.listeners if listener.problem]
        if problems and error is None:
            raise SystemExit(f"A console was {problems[0]}")

    @property
    def asked(self) -> int:
        """How often they did, all together."""
        return sum(listener.asked for listener in self.listeners)

    def expect(self, text: str) -> None:
        """From now on, this is what is waited for."""
        for listener in self.listeners:
            listener.awaited = text

    def shown(self, text: str) -> Sequence[float]:
        """When each that has it already had it first."""
        return [listener.shown[text] for listener in self.listeners if text in listener.shown]
