"""What a browser shows while releases come and go."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from tests.host.rehearsals.host import Host

STYLE = "app/console/static/console.css"


def files_of_page(client: httpx.Client) -> set[str]:
    """What the page that everybody may see asks for."""
    return set(re.findall(r'="(/console/static/[^"]+)"', client.get("/console/sign-in").text))


def test_pages_find_their_files_through_a_deploy_and_a_rollback(host: Host) -> None:
    with httpx.Client(base_url=f"https://{host.container.address}", verify=False, timeout=60) as client:
        before = files_of_page(client)
        host.deploy(host.checkout.release({STYLE: "/* The next release. */\n"})).succeed()
        after = files_of_page(client)
        assert after - before
        assert before - after
        assert {client.get(path).status_code for path in before | after} == {200}
        host.play("rollback.yml").succeed()
        assert files_of_page(client) == before
        kept = {client.get(path).headers["Cache-Control"] for path in before | after}
        assert kept == {"public, max-age=31536000, immutable"}
