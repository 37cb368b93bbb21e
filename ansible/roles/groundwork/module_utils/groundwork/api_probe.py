"""Asking an API, as its callers would: with a token of the deploy's own, that ends with it."""

from __future__ import annotations

import http.client
import json
import secrets
import subprocess
import threading
from functools import cached_property
from typing import TYPE_CHECKING, Self

from ansible.module_utils.groundwork.commands import TIMEOUT_SECONDS as LEND_SECONDS
from ansible.module_utils.groundwork.commands import start_as_user
from ansible.module_utils.groundwork.failures import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: The process, all that it needs, and a request that goes through authentication to the database.
PATHS = ("/livez", "/readyz", "/api/v1/jobs?limit=1")
TIMEOUT_SECONDS = 5.0


class Token:
    """A token for the time of a `with`: the release's command line lends it, and ends it when we go.

    It is made in the background, for that takes a second which something else can use.
    """

    def __init__(self, release: Path, *, environment: Mapping[str, str] | None = None) -> None:
        self._command = [
            *(str(release / "venv/bin/groundwork"), "token", "lend"),
            *("--name", f"deploy-{secrets.token_hex(6)}", "--scope", "jobs:read"),
        ]
        self._environment = environment

    def __enter__(self) -> Self:
        self._lender = start_as_user(self._command, environment=self._environment)
        # A database that does not answer must not hold up a deploy for good.
        self._timeout = threading.Timer(LEND_SECONDS, self._lender.kill)
        self._timeout.start()
        return self

    @cached_property
    def secret(self) -> str:
        """What a caller shows. Raises `Failure` when there is none."""
        assert self._lender.stdout  # noqa: S101 (narrows the type)
        line = self._lender.stdout.readline().strip()
        self._timeout.cancel()
        if not line:
            raise Failure("No token could be made to ask the API with.", output=self._lender.communicate()[1])
        return line

    def __exit__(self, *_: object) -> None:
        self._timeout.cancel()
        try:
            # The end of its input is what it waits for.
            self._lender.communicate(timeout=LEND_SECONDS)
        except subprocess.TimeoutExpired:
            # The token expires by itself.
            self._lender.kill()
            self._lender.communicate()


def fault(address: str, *, token: str) -> str | None:
    """What is wrong with the API at host:port, in a sentence; None when it answers as it should."""
    for path in PATHS:
        try:
            status, body = _get(address, path, token=token)
        except (OSError, http.client.HTTPException) as error:
            return f"GET {path} had no answer: {error or type(error).__name__}."
        if status != http.HTTPStatus.OK:
            return f"GET {path} was answered {status}: {_detail(body)}"
    return None


def answers(address: str) -> bool:
    """Whether anything is answered there, to somebody without a token."""
    try:
        _get(address, PATHS[0], token="")
    except (OSError, http.client.HTTPException):
        return False
    return True


def _get(address: str, path: str, *, token: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(address, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _detail(body: bytes) -> str:
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        return body[:200].decode(errors="replace")
