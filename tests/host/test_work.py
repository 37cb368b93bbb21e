"""The service does what it is for: a job that is sent through the proxy is done."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers import wait_until

if TYPE_CHECKING:
    from testinfra.host import Host

#: Sends one request to this host by its name, trusting no certificate but the proxy's, and prints the answer.
REQUEST = """
import json, socket, ssl, sys, urllib.request
method, path, token, body = sys.argv[1:]
trusted = ssl.create_default_context(cafile="/etc/nginx/groundwork/certificate.pem")
trusted.verify_flags &= ~ssl.VERIFY_X509_STRICT
url = f"https://{socket.getfqdn()}{path}"
request = urllib.request.Request(url, method=method, data=body.encode() or None)
request.add_header("Content-Type", "application/json")
if token:
    request.add_header("Authorization", f"Bearer {token}")
try:
    answer = urllib.request.urlopen(request, context=trusted, timeout=30)
except urllib.error.HTTPError as error:
    answer = error
print(json.dumps({"status": answer.status, "body": answer.read().decode()}))
"""
PUBLIC_TASK = {"task": "pricing.recompute_all_discounts", "arguments": {"days_threshold": 30}}
TERMINAL = {"done", "dead", "cancelled"}


def request(host: Host, method: str, path: str, *, token: str = "", body: object = None) -> dict[str, Any]:
    sent = json.dumps(body) if body is not None else ""
    said = host.check_output("/usr/bin/python3 -c %s %s %s %s %s", REQUEST, method, path, token, sent)
    answer: dict[str, Any] = json.loads(said)
    return answer


@pytest.mark.on("api")
def test_a_job_from_the_api_is_done(host: Host, token: str) -> None:
    accepted = request(host, "POST", "/api/v1/jobs", token=token, body=PUBLIC_TASK)
    assert accepted["status"] == 202, accepted
    job = json.loads(accepted["body"])

    def state() -> str:
        answer = request(host, "GET", job["url"], token=token)
        return str(json.loads(answer["body"])["state"])

    wait_until(lambda: state() in TERMINAL, seconds=60, what="the job has ended")
    assert state() == "done"


@pytest.mark.on("api")
def test_the_api_refuses_a_stranger(host: Host) -> None:
    assert request(host, "GET", "/api/v1/jobs")["status"] == 401


@pytest.mark.on("api")
def test_the_probes_answer(host: Host, token: str) -> None:
    assert request(host, "GET", "/livez", token=token)["status"] == 200
    assert request(host, "GET", "/readyz", token=token)["status"] == 200


@pytest.mark.on("workers")
def test_every_pool_does_its_jobs(host: Host) -> None:
    done = host.run("groundwork smoke --json")
    assert done.rc == 0, f"{done.stdout}\n{done.stderr}"


@pytest.mark.on("api", "workers", "beat")
def test_the_doctor_finds_no_problem(host: Host) -> None:
    done = host.run("groundwork doctor --json")
    found = [finding for finding in json.loads(done.stdout) if finding["level"] == "problem"]
    assert not found
    assert done.rc == 0, shlex.quote(done.stderr)
