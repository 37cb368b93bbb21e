"""What a message from a queue must look like, so that nothing in it can end the worker that takes it."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from kombu.utils.json import loads
from pydantic_core import from_json

from app.jobs.celery import compat
from app.jobs.ledger.names import MAX_ID, is_name

JSON, UTF_8 = "application/json", "utf-8"


class NotAMessage(ValueError):
    """Raised for what came from a queue and cannot be a task's message."""


def read(raw: bytes) -> Any:
    """The document in `raw`, as kombu reads it."""
    # kombu looks at each object for a type of its own, which costs twice the reading; few hold one.
    is_typed = b'"__type__"' in raw
    if not is_typed:
        # Half the time of Python's own, which has the last word on what it does not take: it takes more.
        with suppress(ValueError):
            return from_json(raw)
    try:
        text = raw.decode()
        return loads(text) if is_typed else json.loads(text)
    except Exception as error:  # its decoders of own types raise what they like
        raise NotAMessage(f"It is not JSON: {_described(error)}") from None


def parsed(make: Any, payload: Any, **options: Any) -> None:
    """Let `make` (the constructor of kombu's message) read `payload`."""
    try:
        make(payload, **options)
    except Exception as error:  # whatever a document of any shape makes it stumble over
        raise NotAMessage(f"It is not an envelope: {_described(error)}") from None


def is_plain(message: Any) -> bool:
    """Whether its body is what `read` reads."""
    is_json = message.content_type == JSON and message.content_encoding == UTF_8
    return is_json and isinstance(message.body, bytes)


def check(message: Any) -> None:
    """Raise `NotAMessage` where Celery would take the message for a task's and then not survive it."""
    delivery = message.delivery_info
    _require(isinstance(message.headers, dict), "its headers are not an object")
    _require(isinstance(message.delivery_tag, str), "its delivery_tag is not text")
    _require(isinstance(delivery, dict), "its delivery_info is not an object")
    _require(_are_texts(delivery, "exchange", "routing_key"), "its delivery_info names no queue")
    _require(not message.errors, "its body is not encoded or compressed as it says")
    if "task" in message.headers:
        _check_second_protocol(message)
    elif message.content_type == JSON:
        _check_first_protocol(message)


def _check_second_protocol(message: Any) -> None:
    headers, body = message.headers, _body(message)
    _check_names(headers)
    _require(_is_limit(headers.get("timelimit")), "its timelimit is not a pair of seconds")
    _require(_are_stamps(headers), "its stamped_headers are not names of what its stamps hold")
    well_made = isinstance(body, list | tuple) and len(body) == 3
    _require(well_made, "its body is not a list of arguments, named arguments and options")
    args, kwargs, options = body
    _require(isinstance(args, list | tuple), "its arguments are not a list")
    _require(isinstance(kwargs, dict), "its named arguments are not an object")
    _require(options is None or isinstance(options, dict), "its options are not an object")


def _check_first_protocol(message: Any) -> None:
    """As Celery 3 wrote: all in the body. One with no task in it is refused by Celery in good order."""
    try:
        body = _body(message)
    except NotAMessage:
        return
    if isinstance(body, dict) and "task" in body:
        _check_names(body)
        _require(_is_limit(body.get("timelimit")), "its timelimit is not a pair of seconds")


def _check_names(document: dict[str, Any]) -> None:
    _require(_are_texts(document, "task", "id"), "its task and id are not both text")
    _require(is_name(document["id"]), f"its id is not a text of 1 to {MAX_ID} characters without NUL")


def _body(message: Any) -> Any:
    # Celery's consumer sets this later, to the same; what is decoded here is not decoded again.
    message.accept = message.accept or {JSON}
    if message.body and is_plain(message):
        # As kombu would, which looks up how for each message.
        compat.keep_payload(message, read(message.body))
    try:
        return message.payload
    except Exception as error:  # of the decoders
        raise NotAMessage(f"Its body cannot be read: {_described(error)}") from None


def _are_texts(document: dict[str, Any], first: str, second: str) -> bool:
    return isinstance(document.get(first), str) and isinstance(document.get(second), str)


def _are_stamps(headers: dict[str, Any]) -> bool:
    """Whether Celery can look up by them, before the message has a process, what was called off."""
    names, stamps = headers.get("stamped_headers"), headers.get("stamps")
    named = not names or (isinstance(names, list) and all(isinstance(name, str) for name in names))
    return named and (not stamps or isinstance(stamps, dict))


def _is_limit(value: Any) -> bool:
    if not value:
        return value is None or isinstance(value, list)
    pair = isinstance(value, list) and len(value) == 2
    return pair and all(part is None or isinstance(part, int | float) for part in value)


def _require(right: bool, problem: str) -> None:
    if not right:
        raise NotAMessage(f"It is not the message of a task: {problem}.")


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}"
