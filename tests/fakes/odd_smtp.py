"""A mail server that says what no mail server should, at the step that it is told."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.servers import free_port

if TYPE_CHECKING:
    from io import BufferedRWPair

STEPS = {
    "GREETING": b"220 odd",
    "EHLO": b"250 odd",
    "HELO": b"250 odd",
    "MAIL": b"250 ok",
    "RCPT": b"250 ok",
    "DATA": b"354 go on",
    "CONTENT": b"250 taken",
    "QUIT": b"221 bye",
}


@dataclass
class OddServer:
    """Listens on a free port of loopback from `start` to `close`."""

    port: int = field(default_factory=free_port)
    #: What it says at a step in place of what it should; nothing at all: it hangs up.
    says: dict[str, bytes] = field(default_factory=dict)
    #: What it was given whole.
    contents: list[bytes] = field(default_factory=list)
    _socket: socket.socket | None = None

    def start(self) -> OddServer:
        self._socket = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._serve, args=(self._socket,), daemon=True).start()
        return self

    def close(self) -> None:
        if self._socket:
            self._socket.close()

    def _serve(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with suppress(OSError), connection, connection.makefile("rwb") as talk:
                self._talk(talk)

    def _talk(self, talk: BufferedRWPair) -> None:
        step = "GREETING"
        while self._say(talk, step):
            if step == "DATA" and step not in self.says:
                content = b""
                while not content.endswith(b"\r\n.\r\n"):
                    content += talk.readline() or b"\r\n.\r\n"
                self.contents.append(content)
                step = "CONTENT"
            else:
                step = talk.readline()[:4].strip().decode().upper() or "QUIT"

    def _say(self, talk: BufferedRWPair, step: str) -> bool:
        words = self.says.get(step, STEPS[step])
        if words:
            talk.write(words + b"\r\n")
            talk.flush()
        return bool(words) and step != "QUIT"
