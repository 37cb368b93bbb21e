"""A page that shows the mail that a mail server took."""

from __future__ import annotations

import html
import json
import threading
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tests.servers import free_port

if TYPE_CHECKING:
    from email.message import EmailMessage

    from tests.fakes.smtp import MailServer

PAGE = """<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>{title}</title>
  <style>body{{font:16px/1.5 sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem}}
  td{{padding:.3rem 1rem .3rem 0}} pre{{white-space:pre-wrap}}
  iframe{{width:100%;height:24rem;border:1px solid #ccc}}</style></head>
  <body><h1>{title}</h1>{body}</body>
</html>
"""


@dataclass
class MailboxPage:
    """Serves the mails of `mails` on a port of loopback from `start` to `close`."""

    mails: MailServer
    port: int = field(default_factory=free_port)
    _server: ThreadingHTTPServer | None = None

    def start(self) -> MailboxPage:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self.mails))
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def close(self) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def _handler(server: MailServer) -> type[BaseHTTPRequestHandler]:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            mails = list(server.mails)
            number = self.path.removeprefix("/mails/")
            if self.path == "/":
                self._answer(_list(mails))
            elif self.path == "/mails.json":
                self._answer(json.dumps([_facts(mail) for mail in mails]), kind="application/json")
            elif number.isdecimal() and int(number) < len(mails):
                self._answer(_one(mails[int(number)]))
            else:
                self._answer(PAGE.format(title="There is no such mail", body=""), status=HTTPStatus.NOT_FOUND)

        def _answer(
            self, text: str, *, kind: str = "text/html; charset=utf-8", status: HTTPStatus = HTTPStatus.OK
        ) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            """Nothing: the page is looked at, not its log."""

    return Page


def _list(mails: list[EmailMessage]) -> str:
    rows = [
        f"<tr><td>{html.escape(str(mail['To']))}</td>"
        f'<td><a href="/mails/{number}">{html.escape(str(mail["Subject"]))}</a></td>'
        f"<td>{html.escape(str(mail['Date']))}</td></tr>"
        for number, mail in reversed(list(enumerate(mails)))
    ]
    body = f"<table>{''.join(rows)}</table>" if rows else "<p>No mail yet.</p>"
    return PAGE.format(title="Mailbox", body=body)


def _one(mail: EmailMessage) -> str:
    facts = _facts(mail)
    body = f"<p>To {html.escape(facts['to'])}</p><pre>{html.escape(facts['text'])}</pre>"
    if facts["html"]:
        # Without scripts and without this page's own rights.
        body += f'<iframe sandbox srcdoc="{html.escape(facts["html"])}"></iframe>'
    return PAGE.format(title=html.escape(facts["subject"]), body=body)


def _facts(mail: EmailMessage) -> dict[str, str]:
    text, page = mail.get_body(("plain",)), mail.get_body(("html",))
    return {
        "to": str(mail["To"]),
        "subject": str(mail["Subject"]),
        "text": text.get_content() if text else "",
        "html": page.get_content() if page else "",
    }
