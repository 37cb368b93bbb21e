"""Whether the amounts of a document add up: nothing is reckoned here for anybody to use."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from app.domains.billing.charging.bounds import check_whole
from app.domains.billing.documents.errors import AmountsDisagree
from app.values.row_ids import MAX_BIGINT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.domains.billing.documents.facts import Document


def check_amounts(document: Document) -> None:
    """Raise `AmountsDisagree` for the first amount that is not what it is made of."""
    for what, given, found in _sums(document):
        check_whole(given, what=what, low=-MAX_BIGINT)
        if given != found:
            raise AmountsDisagree(what=what, given=given, found=found, currency=document.currency)


def _sums(document: Document) -> Iterator[tuple[str, int, int]]:
    """What an amount is, which it is, and which it would be by those it is made of."""
    for total in document.taxes:
        yield "net of a tax", total.net, total.net
        yield "tax of a rate", total.tax, total.tax
    yield "net of the document", document.net, sum(line.net for line in document.lines)
    yield "tax of the document", document.tax, sum(total.tax for total in document.taxes)
    yield "gross of the document", document.gross, document.net + document.tax
    yield "paid of the document", document.paid, document.paid
    yield "payable of the document", document.payable, document.gross - document.paid
    yield from _nets_by_rate(document)


def _nets_by_rate(document: Document) -> Iterator[tuple[str, int, int]]:
    by_lines: Counter[tuple[str, str]] = Counter()
    for line in document.lines:
        by_lines[line.tax.category, f"{line.tax.percent.normalize():f}"] += line.net
    by_taxes: Counter[tuple[str, str]] = Counter()
    for total in document.taxes:
        by_taxes[total.category, f"{total.percent.normalize():f}"] += total.net
    for category, percent in sorted(by_lines.keys() | by_taxes.keys()):
        key = category, percent
        yield f"net of the tax of {percent} % ({category})", by_taxes[key], by_lines[key]
