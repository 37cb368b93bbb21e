"""Turns what plaid-python raises into the few errors that callers tell apart."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from app.domains.banking.errors import ItemBroken, MutatedDuringPagination, PlaidRefused, PlaidUnavailable
from app.logs.masking import excerpt
from app.outbound.retry_after import pause_asked_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MUTATED = "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION"
#: Kinds of errors that pass: Plaid's own, the bank's, and too many requests.
TRANSIENT = frozenset({"API_ERROR", "INSTITUTION_ERROR", "RATE_LIMIT_EXCEEDED"})
#: Item errors that pass without the user.
TRANSIENT_CODES = frozenset({"PRODUCT_NOT_READY"})


#: What Plaid's error codes look like.
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,63}")


@contextmanager
def classified(operation: str, *, hiding: Sequence[str] = ()) -> Iterator[None]:
    """Raise one of this project's errors in place of whatever a call of plaid-python raises.

    `hiding` is what Plaid was given and no error may show.
    """
    from plaid.exceptions import ApiException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ApiException as error:
        raise _judged(operation, error, hiding=hiding) from None
    except HTTPError as error:
        raise PlaidUnavailable(f"Plaid did not answer {operation}: {type(error).__name__}.") from None
    except (AttributeError, UnicodeDecodeError) as error:
        # plaid-python decodes the body of each failure, also where a failed TLS handshake left none.
        if not isinstance(error.__context__, ApiException):
            raise
        raise PlaidUnavailable(
            f"Plaid did not answer {operation}: {excerpt(error.__context__.reason)}."
        ) from None


def code_of(given: object) -> str | None:
    """Plaid's error code; None for what cannot be one."""
    is_code = isinstance(given, str) and _CODE.fullmatch(given) and excerpt(given) == given
    return str(given) if is_code else None


def _judged(operation: str, error: Any, *, hiding: Sequence[str]) -> Exception:
    answer = _answer(error.body)
    kind = code_of(answer.get("error_type"))
    reason = code_of(answer.get("error_code")) or f"HTTP {error.status}"
    said = excerpt(answer.get("error_message") or error.reason, hiding=hiding)
    request = excerpt(answer.get("request_id") or "without an id", hiding=hiding)
    sentence = f"Plaid refused {operation}: {reason} ({said}; request {request})."
    if reason == MUTATED:
        return MutatedDuringPagination()
    swamped = error.status == HTTPStatus.TOO_MANY_REQUESTS or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if swamped or kind in TRANSIENT or reason in TRANSIENT_CODES:
        asked = str((error.headers or {}).get("Retry-After", ""))
        return PlaidUnavailable(sentence, after=pause_asked_for(asked))
    if kind == "ITEM_ERROR":
        return ItemBroken(sentence, reason=reason)
    return PlaidRefused(sentence, reason=reason)


def _answer(body: str | None) -> dict[str, Any]:
    try:
        answer = json.loads(body or "{}")
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}
