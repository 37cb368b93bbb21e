"""A way to a PostgreSQL server that can lose an answer: the server has obeyed, and nobody hears of it."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Cut:
    """Hands bytes on, until a request holds `marker`: that one is obeyed, and its connection cut."""

    def __init__(self, *, port: int) -> None:
        self._server = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        #: Set by a test; taken back once it was met.
        self.marker: bytes | None = None
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._server))
            lost = threading.Event()
            for hand_on in (self._requests, self._answers):
                threading.Thread(target=hand_on, args=(client, server, lost), daemon=True).start()

    def _requests(self, client: socket.socket, server: socket.socket, lost: threading.Event) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                if self.marker is not None and self.marker in data:
                    self.marker = None
                    lost.set()
                server.sendall(data)
        server.close()

    def _answers(self, client: socket.socket, server: socket.socket, lost: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                if lost.is_set():
                    self.cuts += 1
                    break
                client.sendall(data)
        with suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)
        client.close()
