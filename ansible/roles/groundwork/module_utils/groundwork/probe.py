"""Asking an API, as its callers would: with a token of the deploy's own, that ends with it."""

from __future__ import annotations

import http.client
import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

from ansible.module_utils.groundwork.commands import groundwork
from ansible.module_utils.groundwork.reason import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from subprocess import CompletedProcess

#: The process, all that it needs, and a request that goes through authentication to the database.
PATHS = ("/livez", "/readyz", "/api/v1/jobs?limit=1")
PATIENCE_SECONDS = 5.0


class Token:
    """A token for the time of a `with`; it would expire by itself if nobody could revoke it.

    It is made and revoked in the background, for each takes a second that something else can use.
    """

    def __init__(self, release: Path, *, environment: Mapping[str, str] | None = None) -> None:
        self._release = release
        self._environment = environment
        self._name = f"deploy-{secrets.token_hex(6)}"
        # One after the other; Python waits for it before the module ends.
        self._background = ThreadPoolExecutor(max_workers=1)

    def __enter__(self) -> Self:
        self._made = self._background.submit(self._make)
        return self

    @property
    def secret(self) -> str:
        """What a caller shows. Raises `Failure` when there is none."""
        made = self._made.result()
        if made.returncode != 0:
            raise Failure("No token could be made to ask the API with.", words=made.stdout + made.stderr)
        return str(json.loads(made.stdout)["secret"])

    def __exit__(self, *_: object) -> None:
        self._background.submit(self._do, "revoke", self._name)
        self._background.shutdown(wait=False)

    def _make(self) -> CompletedProcess[str]:
        return self._do(
            "create", "--name", self._name, "--scope", "jobs:read", "--expires", "15min", "--json"
        )

    def _do(self, *arguments: str) -> CompletedProcess[str]:
        return groundwork(self._release, "token", *arguments, environment=self._environment)


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


def _get(address: str, path: str, *, token: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(address, timeout=PATIENCE_SECONDS)
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
