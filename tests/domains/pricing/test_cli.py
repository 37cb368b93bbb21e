"""Pricing from the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from app.db.sessions import reading
from app.jobs.ledger.models import Job
from app.logs.failures import ExitCode
from tests.command_line import Outcome, groundwork
from tests.domains.pricing import shop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Runs `groundwork pricing ...`."""
    return lambda *arguments: groundwork(capsys, "pricing", *arguments)


def test_a_made_dataset_is_imported_and_priced(command: Callable[..., Outcome], tmp_path: Path) -> None:
    folder = tmp_path / "sample"
    made = json.loads(command("dataset", "--batches", "300", "--to", str(folder), "--json").out)
    files = ["--products", made["products"], "--batches", made["batches"]]
    imported = json.loads(command("import", *files, "--json").out)
    assert imported["batches"] == {"created": 300, "updated": 0, "unchanged": 0}
    stats = json.loads(command("recompute", "--now", "--json").out)
    assert stats["opened"] > 50
    rows = json.loads(command("prices", "--limit", "1000", "--json").out)
    assert sum(row["rule"] is not None for row in rows) == stats["opened"]


def test_problems_go_to_standard_error_line_by_line(command: Callable[..., Outcome], tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    path.write_text("sku,name,category,base_price,currency\nA,Thing,toys,-1,EUR\nB,Thing,toys,x,EUR\n")
    outcome = command("import", "--products", str(path))
    assert outcome.code == ExitCode.BAD_INPUT
    assert outcome.out == ""
    first, second, last = outcome.err.splitlines()
    assert first.startswith("products.csv:2: base_price")
    assert second.startswith("products.csv:3: base_price")
    assert last == "Nothing was imported: 2 rows cannot be used. Correct them and import again."


def test_problems_are_json_for_a_script(command: Callable[..., Outcome], tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    path.write_text("sku,name,category,base_price,currency\nA,Thing,toys,-1,EUR\n")
    outcome = command("import", "--products", str(path), "--json")
    assert outcome.code == ExitCode.BAD_INPUT
    document = json.loads(outcome.out)
    assert document["imported"] is False
    assert [problem["line"] for problem in document["problems"]] == [2]


@pytest.mark.parametrize("arguments", [[], ["--products", "none.csv"], ["--sheet", "x"]])
def test_an_import_without_a_usable_file_is_bad_input(
    command: Callable[..., Outcome], arguments: list[str]
) -> None:
    assert command("import", *arguments).code == ExitCode.BAD_INPUT


def test_a_recompute_is_given_to_the_workers(command: Callable[..., Outcome]) -> None:
    job_id = json.loads(command("recompute", "--days", "14", "--json").out)["id"]
    with reading() as session:
        job = session.get_one(Job, job_id)
        assert (job.task, job.queue) == ("pricing.recompute_all_discounts", "discounts")
        assert job.kwargs == {"days_threshold": 14}


def test_prices_of_one_product_are_a_table(command: Callable[..., Outcome]) -> None:
    shop.put(code="B1")
    shop.put(code="B2")
    outcome = command("prices", "--sku", "SKU-B1")
    assert "SKU-B1" in outcome.out
    assert "SKU-B2" not in outcome.out


def test_an_unknown_product_is_one_sentence(command: Callable[..., Outcome]) -> None:
    outcome = command("prices", "--sku", "NOPE")
    assert outcome.code == ExitCode.FAILED
    assert outcome.err.startswith('There is no product with the SKU "NOPE".')


def test_the_rules_are_explained(command: Callable[..., Outcome]) -> None:
    outcome = command("rules")
    assert outcome.code == ExitCode.OK
    for expected in ("overstock, this week", "200 or more", "33.3333 %", "every other category"):
        assert expected in outcome.out


def test_a_broken_rule_file_is_bad_input(
    command: Callable[..., Outcome], configure: Callable[..., None], tmp_path: Path
) -> None:
    path = tmp_path / "rules.yml"
    path.write_text("rules: []\n")
    configure(pricing_rules=path)
    outcome = command("rules")
    assert outcome.code == ExitCode.BAD_INPUT
    assert "floors: is missing" in outcome.err


@pytest.mark.parametrize("name", ["import", "dataset", "recompute", "prices", "rules"])
def test_every_command_shows_an_example(command: Callable[..., Outcome], name: str) -> None:
    assert f"Example: groundwork pricing {name}" in command(name, "--help").out
