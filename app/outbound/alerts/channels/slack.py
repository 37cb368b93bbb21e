"""Alerts to an incoming webhook of Slack."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from app.logs.masking import excerpt
from app.outbound.alerts.channels.channel import Channel
from app.outbound.alerts.channels.http_post import name_of, post
from app.outbound.alerts.message import MAX_TEXT, cut
from app.outbound.deliveries.errors import Refused

if TYPE_CHECKING:
    from app.outbound.alerts.message import AlertMessage
    from app.outbound.deliveries.outcome import HandOver

#: What a webhook answers when it took the message.
OK = "ok"
#: What begins a mention, a link or an entity. Source: Slack, formatting text.
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def slack(url: str) -> Channel:
    """The channel of that webhook."""
    return Channel(name=name_of("slack", url), send=partial(_send, url))


def _send(url: str, message: AlertMessage, handover: HandOver) -> str:
    body = {
        "text": escaped(f"{message.title}\n{message.text}"),
        # What came from elsewhere formats nothing, calls nobody and opens nothing.
        "mrkdwn": False,
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }
    content = json.dumps(body, ensure_ascii=False).encode()
    answer = post(url, body=content, headers={}, handover=handover)
    if answer.text.strip() != OK:
        raise Refused(f"This is no webhook of Slack: it answered {excerpt(answer.text[:80], hiding=[url])}")
    return ""


def escaped(text: str) -> str:
    """`text` as Slack shows it and does nothing else with it; no entity is cut in two."""
    parts = [_ESCAPES.get(one, one) for one in text]
    whole = "".join(parts)
    if len(whole) <= MAX_TEXT:
        return whole
    while parts and len(whole) >= MAX_TEXT:
        whole = whole[: -len(parts.pop())]
    return cut(whole + "…", MAX_TEXT)
