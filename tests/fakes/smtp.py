"""A mail server: takes mail, keeps it, and fails as it is told."""

from __future__ import annotations

import asyncio
import email
import threading
from dataclasses import dataclass, field
from email import policy
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller

from tests.servers import free_port

if TYPE_CHECKING:
    from email.message import EmailMessage

OK = "250 OK"


@dataclass
class Held:
    """An answer that waits to be given; the mail is taken by then."""

    #: Set when a mail is there and its answer waits.
    reached: threading.Event = field(default_factory=threading.Event)
    #: Set to let the answer go.
    released: threading.Event = field(default_factory=threading.Event)


@dataclass
class MailServer:
    """Listens on a free port of loopback from `start` to `close`."""

    port: int = field(default_factory=free_port)
    mails: list[EmailMessage] = field(default_factory=list)
    #: Answers of the next commands, such as ("RCPT", "451 later"), instead of a yes; each is given once.
    answers: list[tuple[str, str]] = field(default_factory=list)
    #: Says nothing to the next mail, and hangs up.
    hangs_up: bool = False
    held: Held | None = None
    #: Whether it offers SMTPUTF8.
    takes_utf8: bool = False
    #: For whom each mail was, and with which options of MAIL.
    envelopes: list[tuple[list[str], list[str]]] = field(default_factory=list)
    _controller: Controller | None = None

    def start(self) -> MailServer:
        self._controller = Controller(
            _Handler(self), hostname="127.0.0.1", port=self.port, enable_SMTPUTF8=self.takes_utf8
        )
        self._controller.start()
        return self

    def close(self) -> None:
        if self.held:
            self.held.released.set()
        if self._controller:
            self._controller.stop(no_assert=True)

    def hold(self) -> Held:
        """Keep the answer to the next mail back."""
        self.held = Held()
        return self.held

    def answer_to(self, command: str) -> str:
        for index, (wanted, answer) in enumerate(self.answers):
            if wanted == command:
                del self.answers[index]
                return answer
        return OK


@dataclass
class _Handler:
    server: MailServer

    async def handle_MAIL(  # noqa: N802 (aiosmtpd names it)
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        answer = self.server.answer_to("MAIL")
        if answer == OK:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return answer

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        answer = self.server.answer_to("RCPT")
        if answer == OK:
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        answer = self.server.answer_to("DATA")
        if answer != OK:
            return answer
        mail = email.message_from_bytes(envelope.content, policy=policy.default)
        self.server.mails.append(mail)
        self.server.envelopes.append((list(envelope.rcpt_tos), list(envelope.mail_options)))
        if self.server.hangs_up:
            self.server.hangs_up = False
            server.transport.abort()
            return OK
        if held := self.server.held:
            self.server.held = None
            held.reached.set()
            await asyncio.to_thread(held.released.wait, 60)
        return answer
