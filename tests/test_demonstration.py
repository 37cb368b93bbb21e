"""The demonstration that the README tells: everything offline, and what goes out in a mailbox."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest

from tests.checkout import copied_checkout, is_listening
from tests.fakes import image as small_image
from tests.servers import stretched, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from tests.checkout import Checkout

SECONDS = 60
VERSION = {"version": "1.0.0"}
#: What is mailed about an order.
SOLD = {"Your licence for Sentinel", "Your order ORD-000001", "Your data is ready"}
KEYS = {"client_id": "fake-client-id", "secret": "fake-secret"}


@pytest.fixture(scope="module")
def checkout(
    tmp_path_factory: pytest.TempPathFactory, ready_venv: None, sqlite_template: Path
) -> Iterator[Checkout]:
    with copied_checkout(tmp_path_factory.mktemp("demonstration")) as copy:
        copy.use_ledger(copy_of=sqlite_template)
        yield copy


@pytest.fixture
def demo(checkout: Checkout) -> Checkout:
    """The checkout, with the outside world beside it."""
    if not (demo_settings(checkout).exists() and is_listening(checkout.ports[0])):
        checkout.up("stop")
        started = checkout.up("--demo", "--detach")
        assert started.returncode == 0, started.stdout
        assert mailbox_of(checkout) in started.stdout
    return checkout


def demo_settings(checkout: Checkout) -> Path:
    return checkout.folder / "var" / "demo.env"


def mailbox_of(checkout: Checkout) -> str:
    return f"http://127.0.0.1:{checkout.ports[0] + 25}"


def subjects(checkout: Checkout, *, to: str) -> list[str]:
    # A client would load certificates for each look.
    with urlopen(f"{mailbox_of(checkout)}/mails.json") as answer:
        mails = json.load(answer)
    return [mail["subject"] for mail in mails if mail["to"] == to]


def register(client: httpx.Client, name: str) -> int:
    """A user of that name, who lives by the time that is pretended."""
    user = {"email": f"{name}@example.org", "name": name, "timezone": "UTC"}
    return int(post(client, "/api/v1/users/register", user)["id"])


def jobs(client: httpx.Client, **wanted: str) -> list[Any]:
    found: list[Any] = client.get("/api/v1/jobs", params=wanted).raise_for_status().json()["jobs"]
    return found


def test_it_begins_with_a_day_of_work_of_which_what_waits_is_done(demo: Checkout) -> None:
    with demo.client() as client:
        assert jobs(client, state="dead", task="marketplace.generate_invoice_pdf")
        wait_until(
            lambda: not jobs(client, state="ready", task="pricing.cleanup_expired_discounts"),
            seconds=SECONDS,
            what="what waits is run",
        )


def test_who_registers_finds_the_welcome_in_the_mailbox(demo: Checkout) -> None:
    with demo.client() as client:
        register(client, "Ann")
    wait_until(
        lambda: subjects(demo, to="Ann@example.org") == ["Welcome, Ann"],
        seconds=SECONDS,
        what="the welcome arrives",
    )


def post(client: httpx.Client, path: str, body: dict[str, Any]) -> Any:
    answer = client.post(path, json=body)
    assert answer.is_success, answer.text
    return answer.json()


def titles(client: httpx.Client, user: int) -> list[str]:
    listed = client.get(f"/api/v1/users/{user}/notifications").json()
    return [told["title"] for told in listed["notifications"]]


def test_a_linked_bank_a_bill_and_a_budget_are_told_of_in_mailbox_and_inbox(demo: Checkout) -> None:
    bank = f"http://127.0.0.1:{demo.ports[0] + 27}/sandbox"
    today = datetime.now(UTC).date()
    with demo.client() as client:
        user = register(client, "Ben")
        members = [{"user_id": user, "role": "admin"}]
        made = post(
            client, "/api/v1/banking/households", {"name": "Home", "currency": "USD", "members": members}
        )
        home = f"/api/v1/banking/households/{made['id']}"
        public = post(client, f"{bank}/public_token/create", KEYS)["public_token"]
        post(client, f"{home}/items", {"public_token": public})
        wait_until(lambda: synced(client, home), seconds=SECONDS, what="the accounts are synced")

        due = (today + timedelta(days=1)).isoformat()
        bill = {"name": "Rent", "amount": "800", "currency": "USD", "rule": "monthly", "next_due": due}
        post(client, f"{home}/bills", bill)
        post(client, "/api/v1/jobs", {"task": "banking.send_bill_reminders", "arguments": {}})
        wait_until(lambda: len(titles(client, user)) == 1, seconds=SECONDS, what="the bill is told of")

        food = post(client, f"{home}/categories", {"name": "Food", "plaid_category": "FOOD_AND_DRINK"})
        post(client, f"{home}/budgets", {"category_id": food["id"], "period": "month", "amount": "100"})
        dinner = {"amount": 90, "description": "Dinner", "date_posted": today.isoformat()}
        post(
            client,
            f"{bank}/transactions/create",
            KEYS | {"access_token": "access-1", "transactions": [dinner]},
        )
        wait_until(lambda: len(titles(client, user)) == 2, seconds=SECONDS, what="the budget is told of")
        told = titles(client, user)
    wanted = sorted(["Welcome, Ben", *told])
    wait_until(
        lambda: sorted(subjects(demo, to="Ben@example.org")) == wanted,
        seconds=SECONDS,
        what="three mails arrive",
    )


def command(checkout: Checkout, *arguments: str, typed: str = "") -> str:
    """What a command of the checkout prints."""
    done = subprocess.run(
        [checkout.folder / ".venv" / "bin" / "groundwork", *arguments],
        cwd=checkout.folder,
        env=checkout.environment,
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        timeout=stretched(SECONDS),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def listed(checkout: Checkout, column: str, *arguments: str) -> list[str]:
    """What a column of a command's table holds."""
    return [row[column] for row in json.loads(command(checkout, *arguments, "--json"))]


def invoice_from(checkout: Checkout, client: httpx.Client, *, worker: str, month: str) -> str:
    """The path of an invoice for 3 hours and 20 minutes at 90 euros, of a studio whose admin is `worker`."""
    party = {"address": "Main Street 1", "country": "DE", "timezone": "UTC", "email": "desk@example.org"}
    admin = register(client, worker)
    billing = "/api/v1/billing"
    studio = post(client, f"{billing}/tenants", party | {"name": "Studio", "admins": [admin]})["id"]
    acme = party | {"name": "Acme", "payment_days": 5}
    customer = post(client, f"{billing}/tenants/{studio}/clients", acme)["id"]
    post(client, f"{billing}/clients/{customer}/projects", {"name": "Website"})
    rule = {"kind": "hourly", "rate": "90", "currency": "EUR", "tax": {"percent": "19"}}
    post(client, f"{billing}/clients/{customer}/rules", rule | {"effective_from": "2026-01-01"})
    hours = checkout.folder / "var" / "hours.csv"
    hours.write_text(
        "key,client,project,worker,started_at,ended_at\n"
        f"1,Acme,Website,{worker}@example.org,{month}-02T09:00Z,{month}-02T12:20Z\n"
    )
    command(checkout, "billing", "import", str(hours), "--tenant", str(studio))
    command(checkout, "billing", "approve", "--tenant", str(studio), "--period", month)
    post(client, f"/api/v1/invoices/generate?period={month}", {})
    made = "/api/v1/invoices"
    [invoice] = wait_until(
        lambda: client.get(made).json()["invoices"], seconds=SECONDS, what="the invoice is made"
    )
    return f"{made}/{invoice['id']}"


def reminded(checkout: Checkout, *, days: int) -> int:
    """How many invoices that are due within so many days were reminded of."""
    name = ("invoices.send_payment_reminders", "--arg", f"days_before_due={days}")
    job_id = command(checkout, "jobs", "submit", *name).strip()
    command(checkout, "jobs", "wait", job_id)
    return int(json.loads(command(checkout, "jobs", "show", job_id, "--json"))["result"]["reminded"])


def test_time_becomes_an_invoice_that_is_sent_reminded_of_and_paid(demo: Checkout) -> None:
    month = f"{datetime.now(UTC).replace(day=1) - timedelta(days=1):%Y-%m}"
    with demo.client() as client:
        invoice = invoice_from(demo, client, worker="Ida", month=month)
        assert client.get(invoice).json()["gross"] == "357.00"
        assert client.get(f"{invoice}/pdf").content.startswith(b"%PDF")
        post(client, f"{invoice}/send", {})
        wait_until(
            lambda: client.get(invoice).json()["state"] == "sent", seconds=SECONDS, what="it is marked so"
        )
        assert reminded(demo, days=7) == 1
        post(client, f"{invoice}/paid", {})
        assert reminded(demo, days=6) == 0
    wanted = ["Invoice", "Invoice", "Your"]
    wait_until(
        lambda: sorted(one.split()[0] for one in subjects(demo, to="desk@example.org")) == wanted,
        seconds=SECONDS,
        what="invoice, reminder and receipt are in the mailbox",
    )


def offer_model(client: httpx.Client, *, image: Path) -> str:
    """A model at a price and with an image; where its version is."""
    models = "/api/v1/marketplace/models"
    facts = {"slug": "sentinel", "title": "Sentinel", "description": "Finds fraud.", "kind": "text"}
    model = post(client, models, facts | {"framework": "PyTorch", "licence_type": "commercial"})["id"]
    price = {"name": "Team", "amount": "100", "currency": "EUR", "period": "once", "tax": {"percent": "19"}}
    post(client, f"{models}/{model}/tiers", price)
    version = f"{models}/{model}/versions/{post(client, f'{models}/{model}/versions', VERSION)['id']}"
    small_image.write(image)
    assert client.put(f"{version}/image", content=image.read_bytes()).is_success
    return version


def wait_for(client: httpx.Client, job_id: str, *, what: str) -> None:
    job = f"/api/v1/jobs/{job_id}"
    wait_until(lambda: client.get(job).json()["state"] == "done", seconds=SECONDS, what=what)


def test_a_model_is_published_sold_and_reported_and_its_buyer_gets_what_is_held(
    demo: Checkout, tmp_path: Path
) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    with demo.client() as client:
        dora = register(client, "Dora")
        version = offer_model(client, image=tmp_path / "image.tar")
        for step in ("push", "scan"):
            wait_for(client, post(client, f"{version}/{step}", {})["job_id"], what=f"{step} is done")
        assert [one["severity"] for one in client.get(f"{version}/findings").json()["findings"]] == ["high"]
        post(client, f"{version}/publish", {})
        post(client, f"{version.partition('/versions')[0]}/publish", {})
        tier = client.get(version.partition("/versions")[0]).json()["tiers"][0]["id"]
        wanted = {"key": "dora-1", "user_id": dora, "lines": [{"tier_id": tier}]}
        order = post(client, "/api/v1/marketplace/orders", wanted)
        pay = {"order": order["number"], "amount": 11900, "currency": "EUR"}
        stripe = f"http://127.0.0.1:{demo.ports[0] + 33}/sandbox/pay"
        assert post(client, stripe, pay) == {"webhook": 200}
        post(client, f"/api/v1/users/{dora}/exports", {"format": "pdf"})
        wait_until(
            lambda: set(subjects(demo, to="Dora@example.org")) > SOLD, seconds=SECONDS, what="all is mailed"
        )
        job_id = command(demo, "schedules", "fire", "marketplace.generate_daily_report").strip()
        wait_for(client, job_id, what="yesterday is reported")
        report = client.get(f"/api/v1/marketplace/reports/daily/{yesterday}/pdf").json()
        assert client.get(report["url"]).content.startswith(b"%PDF")


def test_an_admin_signs_in_changes_a_schedule_while_beat_runs_and_is_audited(demo: Checkout) -> None:
    email, password = "root@example.org", "wide rivers run slowly east"
    recompute = "pricing.recompute_all_discounts"
    command(demo, "users", "create", "--admin", "--email", email, "--name", "Root", typed=f"{password}\n")
    with demo.client() as client:
        signed_in = post(client, "/api/v1/auth/sign-in", {"email": email, "password": password})
        client.headers["Authorization"] = f"Bearer {signed_in['access_token']}"
        assert client.get("/api/v1/auth/me").json()["role"] == "admin"
        assert client.delete(f"/api/v1/schedules/{recompute}").status_code == 409
        message = {"user_id": client.get("/api/v1/auth/me").json()["user"]["id"], "message": "Pay the rent"}
        client.headers["Idempotency-Key"] = "rent"
        assert post(client, "/api/v1/notify", message) == post(client, "/api/v1/notify", message)
    wait_until(
        lambda: "Message" in subjects(demo, to=email), seconds=SECONDS, what="the message is in the mailbox"
    )
    assert subjects(demo, to=email).count("Message") == 1
    runs, audit = f"/api/v1/schedules/{recompute}/runs", "/api/v1/audit"
    with demo.client() as client:
        before = {run["moment"] for run in client.get(runs).json()}
        command(demo, "schedules", "change", recompute, "--every", "1s")
        wait_until(
            lambda: [
                run
                for run in client.get(runs).json()
                if run["outcome"] == "done" and run["moment"] not in before
            ],
            seconds=SECONDS,
            what="the schedule fires as it was changed",
        )
        wait_until(
            lambda: client.get(f"{audit}/operations?path=/api/v1/schedules").json()["operations"],
            seconds=SECONDS,
            what="the operation is audited",
        )
        wait_until(
            lambda: client.get(f"{audit}/logins", params={"user": email}).json()["logins"],
            seconds=SECONDS,
            what="the sign-in is audited",
        )
    assert "done" in listed(demo, "outcome", "schedules", "runs", recompute)
    assert "At the start of every hour" in command(demo, "schedules", "reset", recompute)
    assert "DELETE" in listed(demo, "method", "audit", "list", "--path", "/api/v1/schedules")
    assert listed(demo, "status", "audit", "list", "--log", "logins", "--user", email) == ["success"]


def test_a_push_message_reaches_the_phone_that_the_outside_world_has(demo: Checkout) -> None:
    logged = (demo.folder / "var" / "log" / "outside.out").read_text()
    address = logged.partition("Amazon SNS: ")[2].split()[0]
    with demo.client() as client:
        user = register(client, "Cleo")
        inbox = f"/api/v1/users/{user}"
        chosen = {"preferences": {"channels": {"hello": ["push", "in_app"]}}}
        assert client.patch(inbox, json=chosen).is_success
        post(client, f"{inbox}/push-endpoints", {"platform": "sns", "address": address})
        hello = {"type": "hello", "title": "Hello", "message": "A test", "channels": ["push", "in_app"]}
        post(client, f"{inbox}/notifications", hello)
        wait_until(lambda: pushed(client, inbox), seconds=SECONDS, what="the phone is reached")


def pushed(client: httpx.Client, inbox: str) -> bool:
    told = client.get(f"{inbox}/notifications").json()["notifications"]
    return {"push": "sent"} in [
        {channel["channel"]: channel["state"]} for one in told for channel in one["channels"]
    ]


def synced(client: httpx.Client, home: str) -> bool:
    accounts = client.get(f"{home}/accounts").json()["accounts"]
    return bool(accounts) and all(account["synced_at"] for account in accounts)
