"""The page that shows the mail."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage
from http import HTTPStatus

import httpx

from tests.fakes.mailbox import MailboxPage
from tests.fakes.smtp import MailServer


def mail(subject: str, text: str, html: str | None = None) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "service@example.org", "ann@example.org", subject
    made.set_content(text)
    if html:
        made.add_alternative(html, subtype="html")
    return made


def test_mail_that_arrived_is_listed_and_shown() -> None:
    server = MailServer().start()
    page = MailboxPage(mails=server).start()
    try:
        assert "No mail yet." in httpx.get(page.url).text
        with smtplib.SMTP("127.0.0.1", server.port) as client:
            client.send_message(mail("Hello", "Hi\n", "<p>Hi</p>\n"))
            client.send_message(mail("<b>Bold</b>", "text\n"))
        listed = httpx.get(page.url).text
        assert listed.index("&lt;b&gt;Bold") < listed.index("Hello")
        assert "&lt;p&gt;Hi&lt;/p&gt;" in httpx.get(f"{page.url}/mails/0").text
        assert [one["subject"] for one in httpx.get(f"{page.url}/mails.json").json()] == [
            "Hello",
            "<b>Bold</b>",
        ]
        assert httpx.get(f"{page.url}/mails/2").status_code == HTTPStatus.NOT_FOUND
    finally:
        page.close()
        server.close()
