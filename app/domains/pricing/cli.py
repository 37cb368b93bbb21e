"""Pricing: import products and batches, recompute discounts, see prices and rules.

Example: groundwork pricing import --products products.csv --batches batches.csv
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.domains.pricing.rules.table import DAYS_THRESHOLD
from app.terminal import AsJson, print_json, print_rows

app = typer.Typer(help=__doc__)

File = Annotated[Path | None, typer.Option(metavar="FILE", show_default=False)]
Days = Annotated[int, typer.Option(min=0, max=3650, help="Batches that expire within this many days.")]
PRICE_COLUMNS = ("sku", "batch", "quantity", "expiry_date", "base_price", "price", "discount_pct", "rule")


@app.command(name="import")
def import_csv(
    products: File = None,
    batches: File = None,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse a file with unknown columns.")] = False,
    as_json: AsJson = False,
) -> None:
    """Import products and batches from CSV files in UTF-8: all rows, or none when one is bad.

    Columns of products: sku,name,category,base_price,currency (12.50, EUR). Columns of batches:
    code,sku,quantity,expiry_date,received_on (2026-01-31; received_on may be blank or absent). Importing a
    file again changes nothing; a changed row updates what has its sku or code. Other columns are passed
    over with a notice.

    Example: groundwork pricing import --products products.csv --batches batches.csv
    """
    from dataclasses import asdict

    from app.domains.pricing.imports.files import Files
    from app.domains.pricing.progress import import_with_bar

    done = import_with_bar(Files(products=products, batches=batches, strict=strict), as_json=as_json)
    if as_json:
        print_json({"imported": True, "problems": [], **asdict(done)})
        return
    for name, counts in (("Products", done.products), ("Batches", done.batches)):
        typer.echo(
            f"{name}: {counts.created} created, {counts.updated} updated, {counts.unchanged} unchanged."
        )
    if done.discounts_ended:
        typer.echo(f"{done.discounts_ended} discounts ended because what they were made for has changed.")
    typer.echo("Next: groundwork pricing recompute")


@app.command()
def dataset(
    to: Annotated[Path, typer.Option(metavar="DIR", help="Folder for products.csv and batches.csv.")],
    batches: Annotated[int, typer.Option(min=1, max=100_000_000, help="How many batches.")] = 10_000,
    seed: Annotated[int, typer.Option(help="The same seed on the same day makes the same files.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Make realistic CSV files to import, with dates around today.

    Example: groundwork pricing dataset --batches 10000 --to var/sample
    """
    from app.domains.pricing.imports.dataset import write_dataset
    from app.domains.pricing.progress import counting
    from app.settings.business_clock import business_now

    with counting("Writing", total=batches) as report:
        today = business_now().date()
        paths = write_dataset(folder=to, batches=batches, seed=seed, today=today, report=report)
    if as_json:
        print_json({"products": str(paths[0]), "batches": str(paths[1])})
        return
    typer.echo(f"Wrote {paths[0]} and {paths[1]}.")
    typer.echo(f"Next: groundwork pricing import --products {paths[0]} --batches {paths[1]}")


@app.command()
def recompute(
    days: Days = DAYS_THRESHOLD,
    now: Annotated[bool, typer.Option("--now", help="Recompute in this process, without a worker.")] = False,
    as_json: AsJson = False,
) -> None:
    """Recompute discounts: by a worker, or here with --now.

    Example: groundwork pricing recompute --days 14
    """
    if now:
        _recompute_here(days, as_json=as_json)
        return
    from app.domains.pricing.tasks import recompute_all_discounts

    job_id = recompute_all_discounts.delay(days_threshold=days).id
    if as_json:
        print_json({"id": job_id, "task": recompute_all_discounts.name})
    else:
        typer.echo(f"Accepted as job {job_id}. See it with: groundwork jobs show {job_id}")


def _recompute_here(days: int, *, as_json: bool) -> None:
    from dataclasses import asdict

    from app.domains.pricing.progress import recompute_with_bar

    stats = asdict(recompute_with_bar(days))
    if as_json:
        print_json(stats)
    else:
        typer.echo(", ".join(f"{count} {what}" for what, count in stats.items()) + ".")


@app.command()
def prices(
    sku: Annotated[str | None, typer.Option(help="Only of this product.", show_default=False)] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Show at most this many batches.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show what each batch that can be sold costs now.

    Example: groundwork pricing prices --sku DAI-000000
    """
    from app.db.sessions import reading
    from app.domains.pricing import catalogue
    from app.domains.pricing.schemas import PriceView
    from app.settings.business_clock import business_now

    with reading() as session:
        page = catalogue.prices(session=session, sku=sku, now=business_now(), after=None, limit=limit)
    rows = [PriceView.model_validate(row).model_dump(mode="json") for row in page.rows]
    print_rows(rows, columns=PRICE_COLUMNS, as_json=as_json, empty="No batch can be sold. Import some first.")
    if page.next is not None and not as_json:
        typer.echo(f"There are more; raise --limit above {limit}.", err=True)


@app.command()
def rules(as_json: AsJson = False) -> None:
    """Explain the discount rules in force, in the order in which they are tried.

    Example: groundwork pricing rules
    """
    from app.domains.pricing.rules.file import current_rules, rules_path
    from app.domains.pricing.rules.listing import floor_rows, rule_rows

    table = current_rules()
    if as_json:
        print_json({"file": str(rules_path()), "rules": rule_rows(table), "floors": floor_rows(table)})
        return
    typer.echo(f"{rules_path()}: the first rule that matches sets the price; a category's own come first.\n")
    columns = ("for", "rule", "days_left", "quantity", "discount")
    print_rows(rule_rows(table), columns=columns, as_json=False, empty="There is no rule.")
    typer.echo("\nNo price goes below its floor, in percent of the base price:\n")
    print_rows(floor_rows(table), columns=("for", "floor"), as_json=False, empty="There is no floor.")
