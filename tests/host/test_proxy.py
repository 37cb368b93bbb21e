"""What nginx does before the API: TLS, limits, one form of error, and a log that loses nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers import wait_until

if TYPE_CHECKING:
    from testinfra.host import Host

    from tests.host.machines import Machine

pytestmark = pytest.mark.on("api")

#: One request to this host, redirects not followed; prints status, headers and body.
ASK = """
import http.client, json, ssl, sys
scheme, method, path, size, identity = sys.argv[1:]
kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
options = {"context": ssl._create_unverified_context()} if scheme == "https" else {}
connection = kinds[scheme]("127.0.0.1", timeout=30, **options)
headers = {"X-Request-ID": identity, "Content-Type": "application/json"}
connection.request(method, path, " " * int(size), headers)
answer = connection.getresponse()
headers = {name.lower(): value for name, value in answer.getheaders()}
print(json.dumps({"status": answer.status, "headers": headers, "body": answer.read().decode()}))
"""
#: Numbered requests while the log is rotated twenty times, some before each; prints how many were sent.
FLOOD = """
import http.client, ssl, subprocess, sys, threading
config, state, mark = sys.argv[1:]
trusting = ssl._create_unverified_context()
some, rotated = threading.Semaphore(0), threading.Event()
def rotate():
    for _ in range(20):
        some.acquire()
        subprocess.run(["/usr/sbin/logrotate", "--force", "--state", state, config], check=True)
    rotated.set()
threading.Thread(target=rotate).start()
sent, connection = 0, None
while not rotated.is_set():
    if connection is None:
        connection = http.client.HTTPSConnection("127.0.0.1", context=trusting, timeout=30)
    connection.request("GET", f"/{mark}/{sent}")
    answer = connection.getresponse()
    answer.read()
    sent += 1
    if sent % 10 == 0:
        some.release()
    if answer.will_close:
        connection = None
print(sent)
"""


def ask(
    host: Host, path: str, *, scheme: str = "https", method: str = "GET", size: int = 0
) -> dict[str, Any]:
    said = host.check_output(
        "/usr/bin/python3 -c %s %s %s %s %s %s", ASK, scheme, method, path, str(size), "from-a-test.1"
    )
    answer: dict[str, Any] = json.loads(said)
    return answer


def ids_in(host: Host, log: str) -> list[str | None]:
    lines = host.check_output("tail -n 50 %s", log).splitlines()
    return [json.loads(line).get("request_id") for line in lines]


def test_plain_http_is_sent_to_https(host: Host) -> None:
    answer = ask(host, "/api/v1/jobs?limit=1", scheme="http")
    assert (answer["status"], answer["headers"]["location"]) == (308, "https://127.0.0.1/api/v1/jobs?limit=1")


@pytest.mark.parametrize("log", ["/var/log/nginx-groundwork/access.log", "/var/log/groundwork/api.log"])
def test_a_request_keeps_its_id_through_proxy_and_api(host: Host, log: str) -> None:
    assert ask(host, "/api/v1/jobs")["headers"]["x-request-id"] == "from-a-test.1"
    wait_until(lambda: "from-a-test.1" in ids_in(host, log), seconds=10, what=f"it is in {log}")


def test_a_body_that_is_too_large_is_refused_in_the_words_of_the_api(host: Host) -> None:
    answer = ask(host, "/api/v1/jobs", method="POST", size=256 * 1024 + 1)
    assert (answer["status"], answer["headers"]["content-type"]) == (413, "application/problem+json")
    problem = json.loads(answer["body"])
    assert (problem["code"], problem["request_id"]) == ("body_too_large", "from-a-test.1")


def test_the_answers_of_the_proxy_tell_nothing_and_allow_little(host: Host) -> None:
    headers = ask(host, "/api/v1/jobs")["headers"]
    assert headers["server"] == "nginx"
    assert (headers["x-content-type-options"], headers["x-frame-options"]) == ("nosniff", "DENY")


def test_flower_and_the_api_want_to_know_who_asks(host: Host, machine: Machine) -> None:
    closed = 404 if "flower" in machine.asked_for else 401
    asked = [ask(host, path)["status"] for path in ("/flower/", "/livez", "/flower/metrics")]
    assert asked == [401, 401, closed]


def test_no_line_of_the_access_log_is_lost_over_twenty_rotations(host: Host) -> None:
    folder = host.check_output("mktemp -d")
    before = host.check_output("cat /run/nginx.pid")
    host.check_output("sed 's/rotate [0-9]*/rotate 99/' /etc/logrotate.d/groundwork-proxy > %s/conf", folder)
    mark = folder.rpartition("/")[2]
    sent = host.check_output("/usr/bin/python3 -c %s %s/conf %s/state %s", FLOOD, folder, folder, mark)
    logged = host.check_output("zcat --force /var/log/nginx-groundwork/access.log* | grep -c %s/", mark)
    host.check_output("rm -r %s", folder)
    assert int(sent) >= 200
    assert int(logged) == int(sent)
    assert host.check_output("cat /run/nginx.pid") == before


#: Many requests without a token at once; prints the statuses, and what came with the first that was too many.
RUSH = """
import http.client, json, ssl
connection = http.client.HTTPSConnection("127.0.0.1", context=ssl._create_unverified_context(), timeout=30)
statuses, refused = [], None
for _ in range(400):
    connection.request("GET", "/api/v1/jobs")
    answer = connection.getresponse()
    body = answer.read().decode()
    statuses.append(answer.status)
    if answer.status == 429 and refused is None:
        refused = {"headers": {name.lower(): value for name, value in answer.getheaders()}, "body": body}
print(json.dumps({"statuses": statuses, "refused": refused}))
"""


def test_a_stranger_who_asks_too_often_is_told_to_wait(host: Host) -> None:
    rush = json.loads(host.check_output("/usr/bin/python3 -c %s", RUSH))
    # How many are served at once depends on who asked just before.
    assert set(rush["statuses"]) == {401, 429}
    assert rush["refused"]["headers"]["content-type"] == "application/problem+json"
    assert rush["refused"]["headers"]["retry-after"] == "1"
    assert json.loads(rush["refused"]["body"])["code"] == "too_many_requests"
    wait_until(
        lambda: ask(host, "/api/v1/jobs")["status"] == 401, seconds=30, what="a stranger is served again"
    )
