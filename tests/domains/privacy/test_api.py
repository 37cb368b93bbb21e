"""The routes and commands of privacy."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from app.db.sessions import reading, transaction
from app.domains.accounts import administration
from app.domains.accounts.models import SignInSession
from app.domains.accounts.roles import Role
from app.domains.audit.service import OPERATION_TASK
from app.domains.privacy.models import Format
from app.jobs.ledger.models import Job
from tests.api_client import client_for
from tests.command_line import groundwork
from tests.domains.banking.linking import jobs
from tests.domains.privacy import someone
from tests.domains.privacy.test_exporting import make
from tests.owners import belongings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.owners.belongings import Belongings

pytestmark = pytest.mark.databases("sqlite")


@pytest.fixture
def ann(database: Engine) -> Belongings:
    return belongings.person("canary-ann", Role.VIEWER)


def path(who: Belongings) -> str:
    return f"/api/v1/users/{who.user}/erasure"


def test_people_have_themselves_erased(ann: Belongings) -> None:
    client = ann.client()
    answer = client.post(path(ann), json={"confirm": "Canary-Ann@example.org"})
    assert (answer.status_code, answer.headers["Location"]) == (202, path(ann))
    with reading() as session:
        assert session.get_one(Job, answer.json()["job_id"]).kwargs == {"user_id": ann.user}
    again = client.post(path(ann), json={"confirm": ann.email})
    assert again.json() == answer.json()
    report = someone.erase(ann)
    assert client_for().get(f"/api/v1/users/{ann.user}").json()["name"] == "Erased"
    seen = client_for("privacy:erase").get(path(ann)).json()["erasure"]
    assert (seen["report"], bool(seen["finished_at"])) == (report, True)


def test_who_signed_in_long_ago_signs_in_again(ann: Belongings) -> None:
    client = ann.client()
    with transaction() as session:
        for one in session.query(SignInSession):
            one.started_at -= timedelta(minutes=16)
    answer = client.post(path(ann), json={"confirm": ann.email})
    assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_again")


@pytest.mark.parametrize(
    "body", [{}, {"confirm": ""}, {"confirm": "bob@example.org"}, {"confirm": 1}, {"confirm": "a\0@b.de"}, []]
)
def test_what_does_not_confirm_it_is_refused(ann: Belongings, body: object) -> None:
    assert ann.client().post(path(ann), json=body).status_code == 422
    assert client_for().get(path(ann)).json() == {"erasure": None}


def test_nobody_has_others_erased_but_administrators_and_tokens(ann: Belongings) -> None:
    bob = belongings.person("canary-bob", Role.OPERATOR)
    body = {"confirm": ann.email}
    assert bob.client().post(path(ann), json=body).status_code == 404
    assert client_for("users:write").post(path(ann), json=body).status_code == 403
    with transaction() as session:
        administration.set_role(session, email=bob.email, role=Role.ADMIN)
    assert bob.client().post(path(ann), json=body).status_code == 202


def test_the_last_administrator_is_told_why_not(ann: Belongings) -> None:
    with transaction() as session:
        administration.set_role(session, email=ann.email, role=Role.ADMIN)
    answer = ann.client().post(path(ann), json={"confirm": ann.email})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_erasable_yet")
    assert "make somebody else one first" in answer.json()["detail"]


def test_it_is_recorded_who_confirmed_it_and_that_it_was_done(ann: Belongings) -> None:
    someone.confirm(ann, by="user:7")
    someone.erase(ann)
    records = [record for job in jobs(OPERATION_TASK) for record in job.kwargs["records"]]
    titles = [one["title"] for one in records if one["path"] == f"privacy/erasures/{ann.user}"]
    assert titles == ["Erase a person's data", "A person's data is erased"]
    assert {one["user_name"] for one in records if one["method"] == "JOB"} == {"user:7"}


def test_commands_erase_and_report(ann: Belongings, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = groundwork(capsys, "privacy", "erase", str(ann.user), "--confirm", "bob@example.org")
    assert (wrong.code != 0, "confirm it with the mail address" in wrong.err) == (True, True)
    done = groundwork(capsys, "privacy", "erase", str(ann.user), "--confirm", ann.email)
    assert f"erases user {ann.user}" in done.out
    assert "Nothing is erased yet" in groundwork(capsys, "privacy", "report", str(ann.user)).out
    report = someone.erase(ann)
    told = groundwork(capsys, "privacy", "report", str(ann.user), "--json")
    assert json.loads(told.out)["report"] == report
    assert "account_user" in groundwork(capsys, "privacy", "report", str(ann.user)).out


def test_people_have_their_data_exported(
    ann: Belongings, tmp_path: Path, configure: Callable[..., None]
) -> None:
    configure(storage=str(tmp_path / "store"))
    client, exports = ann.client(), f"/api/v1/users/{ann.user}/exports"
    asked = client.post(exports, json={"format": "csv"})
    assert (asked.status_code, asked.headers["Location"]) == (202, exports)
    assert client.post(exports, json={}).json()["code"] == "export_running"
    make(ann, Format.CSV)
    (seen,) = client.get(exports).json()["exports"]
    assert (seen["state"], seen["format"], "passphrase" in seen) == ("ready", "csv", False)
    opens = f"{exports}/{seen['id']}/passphrase"
    assert len(client.post(opens).json()["passphrase"]) == 39
    assert client.post(opens).json()["code"] == "passphrase_was_shown"
    bob = belongings.person("canary-bob", Role.OPERATOR).client()
    for method, url in (("POST", exports), ("GET", exports), ("POST", opens)):
        assert bob.request(method, url, json={}).status_code == 404


@pytest.mark.parametrize("body", [{"format": "xml"}, {"format": None}, {"format": ["csv"]}, {"other": 1}])
def test_an_export_in_no_such_form_is_refused(ann: Belongings, body: object) -> None:
    assert ann.client().post(f"/api/v1/users/{ann.user}/exports", json=body).status_code == 422


def test_a_command_exports(ann: Belongings, capsys: pytest.CaptureFixture[str]) -> None:
    done = groundwork(capsys, "privacy", "export", str(ann.user), "--format", "pdf")
    assert f"of user {ann.user}, who then gets a mail" in done.out
    (job,) = jobs("privacy.export_customer_data")
    assert job.kwargs == {"user_id": ann.user, "format": "pdf"}
