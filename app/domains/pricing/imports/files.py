"""Imports products and batches from CSV files: every bad row is named, then all is imported or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from app.domains.pricing.imports.columns import BATCH_COLUMNS, PRODUCT_COLUMNS
from app.domains.pricing.imports.loading import Imported, load
from app.domains.pricing.imports.staging import StagedBatch, StagedProduct, Staging
from app.domains.pricing.models import Product
from app.errors import InvalidInput
from app.settings.business_clock import business_now
from app.values.csv_file import Problem, Reading, Record, UnusableFile, read_records
from app.values.money import FractionOfMinorUnit, to_minor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sqlalchemy.orm import Session

    from app.values.csv_file import Column

    Opening = Callable[[], AbstractContextManager[Session]]

#: How many SKUs are looked up at once.
LOOKUP = 1_000


class ImportRefused(InvalidInput):
    """Raised when a row cannot be used: nothing was imported."""

    code = "import_refused"

    def __init__(self, *, problems: int) -> None:
        rows = "1 row" if problems == 1 else f"{problems} rows"
        super().__init__(f"Nothing was imported: {rows} cannot be used. Correct them and import again.")


class NothingToImport(InvalidInput):
    """Raised when no file is named."""

    code = "nothing_to_import"

    def __init__(self) -> None:
        super().__init__("Name a file to import: --products FILE, --batches FILE, or both.")


@dataclass(frozen=True, kw_only=True)
class Files:
    """What to import; at least one."""

    products: Path | None = None
    batches: Path | None = None
    #: Whether a column that is not known is refused rather than passed over.
    strict: bool = False


@dataclass(frozen=True, kw_only=True)
class Listener:
    """Who is told what an import meets."""

    problem: Callable[[Problem], None]
    #: What is passed over, in sentences.
    notice: Callable[[str], None]
    #: File and bytes checked so far.
    checked: Callable[[Path, int], None]
    #: Rows to load, told once; then rows loaded by each step.
    to_load: Callable[[int], None]
    loaded: Callable[[int], None]


def import_files(*, files: Files, reading: Opening, transaction: Opening, listener: Listener) -> Imported:
    """Check both files whole, then load them in one transaction.

    Importing the same files again changes nothing; a changed row updates what has its SKU or code. What is
    missing from a file is left as it is. Raises `ImportRefused` after `listener` was told each problem.
    """
    if files.products is None and files.batches is None:
        raise NothingToImport
    with Staging() as staging:
        problems = 0
        for problem in _check(files, staging=staging, reading=reading, listener=listener):
            listener.problem(problem)
            problems += 1
        if problems:
            raise ImportRefused(problems=problems)
        listener.to_load(staging.count())
        with transaction() as session:
            return load(session=session, staging=staging, now=business_now(), report=listener.loaded)


def _check(files: Files, *, staging: Staging, reading: Opening, listener: Listener) -> Iterator[Problem]:
    if files.products is not None:
        keep = _keep_product(staging)
        reading_products = _reading(files.products, PRODUCT_COLUMNS, files=files, listener=listener)
        yield from _stage(files.products, reading=reading_products, keep=keep)
    if files.batches is not None:
        keep = _keep_batch(staging)
        reading_batches = _reading(files.batches, BATCH_COLUMNS, files=files, listener=listener)
        yield from _stage(files.batches, reading=reading_batches, keep=keep)
        with reading() as session:
            for sku in _missing_skus(session, staging=staging):
                for line in staging.lines_of_sku(sku):
                    reason = f'sku "{sku}" is neither in the database nor in a good row of the products file'
                    yield Problem(file=files.batches.name, line=line, reason=reason)


def _reading(path: Path, columns: Sequence[Column], *, files: Files, listener: Listener) -> Reading:
    return Reading(
        columns=columns,
        at_byte=lambda count: listener.checked(path, count),
        notice=listener.notice,
        strict=files.strict,
    )


def _stage(path: Path, *, reading: Reading, keep: Callable[[Record], str | None]) -> Iterator[Problem]:
    try:
        for found in read_records(path, reading):
            if isinstance(found, Problem):
                yield found
            elif reason := keep(found):
                yield Problem(file=path.name, line=found.line, reason=reason)
    except OSError as error:
        raise UnusableFile(path=path, problem=f"{error.strerror}.") from None


def _keep_product(staging: Staging) -> Callable[[Record], str | None]:
    def keep(record: Record) -> str | None:
        values: Any = dict(zip((column.name for column in PRODUCT_COLUMNS), record.values, strict=True))
        product = StagedProduct(**values)
        try:
            to_minor(product.base_price, product.currency)
        except FractionOfMinorUnit as error:
            return f"base_price cannot be used: {error} Round it"
        earlier = staging.add_product(product, line=record.line)
        return f'sku "{product.sku}" is already on line {earlier}; keep one of them' if earlier else None

    return keep


def _keep_batch(staging: Staging) -> Callable[[Record], str | None]:
    def keep(record: Record) -> str | None:
        values: Any = dict(zip((column.name for column in BATCH_COLUMNS), record.values, strict=True))
        batch = StagedBatch(**values)
        if batch.received_on and batch.received_on > batch.expiry_date:
            return f"received_on {batch.received_on} is after expiry_date {batch.expiry_date}; correct one"
        earlier = staging.add_batch(batch, line=record.line)
        return f'code "{batch.code}" is already on line {earlier}; keep one of them' if earlier else None

    return keep


def _missing_skus(session: Session, *, staging: Staging) -> Iterator[str]:
    skus = staging.skus_to_find()
    while chunk := list(islice(skus, LOOKUP)):
        known = set(session.scalars(select(Product.sku).where(Product.sku.in_(chunk))))
        yield from (sku for sku in chunk if sku not in known)
