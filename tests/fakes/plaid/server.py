"""The server itself: what Plaid's paths answer, on a thread of its own."""

from __future__ import annotations

import threading
import time
import uuid
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from tests.fakes.plaid.bank import Bank, Item, account_json, item_json, tx_json
from tests.fakes.plaid.faults import Faults, Refusal
from tests.fakes.plaid.handler import handler_of
from tests.fakes.plaid.history import FIRST_DAY, Kind, Tx
from tests.fakes.plaid.signing import Signed, SigningKey, send, sign, webhook

if TYPE_CHECKING:
    from collections.abc import Callable

CLIENT_ID, SECRET = "fake-client-id", "fake-secret"
MAX_COUNT = 500
SYNC = "/transactions/sync"


def _invalid(code: str, message: str) -> Refusal:
    return Refusal(status=400, type="INVALID_INPUT", code=code, message=message)


class FakePlaid:
    """The server while its `with` block lasts. `bank` feeds it, `faults` break it."""

    def __init__(self, *, port: int = 0, webhook_url: str | None = None) -> None:
        #: Where items tell of changes that name no place of their own.
        self.webhook_url = webhook_url
        self.bank, self.faults = Bank(), Faults()
        self.keys = [SigningKey()]
        #: What a path answers whatever is asked.
        self.answers: dict[str, dict[str, Any]] = {}
        #: What was asked, in order: path and body.
        self.requests: list[tuple[str, dict[str, Any]]] = []
        #: When each of them came, in seconds.
        self.moments: list[float] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler_of(self.answer))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._routes: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "/link/token/create": self._create_link_token,
            "/item/public_token/exchange": self._exchange,
            "/item/get": self._get_item,
            "/item/remove": self._remove_item,
            "/accounts/get": self._get_accounts,
            "/accounts/balance/get": self._get_accounts,
            SYNC: self._sync,
            "/webhook_verification_key/get": self._get_key,
            "/sandbox/public_token/create": self._create_public_token,
            "/sandbox/item/reset_login": self._reset_login,
            "/sandbox/item/fire_webhook": self._fire_webhook,
            "/sandbox/transactions/create": self._create_transactions,
        }

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.faults.release_all()
        self._server.shutdown()
        self._server.server_close()

    def count(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(asked == path for asked, _ in self.requests)

    def webhook(self, kind: str, code: str, **members: Any) -> Signed:
        """A webhook, signed now."""
        return sign(webhook(kind, code, **members), key=self.keys[-1])

    def answer(self, path: str, headers: Any, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to one request. Raises `Refusal`."""
        self.requests.append((path, body))
        self.moments.append(time.monotonic())
        route = self._routes.get(path)
        if route is None:
            raise Refusal(status=404, type="INVALID_REQUEST", code="NOT_FOUND", message=f"no {path}")
        given = (
            headers.get("PLAID-CLIENT-ID") or body.get("client_id"),
            headers.get("PLAID-SECRET") or body.get("secret"),
        )
        if given != (CLIENT_ID, SECRET):
            raise _invalid("INVALID_API_KEYS", "invalid client_id or secret provided")
        self.faults.meet(path)
        with self.bank.lock:
            return self.answers.get(path) or route(body)

    def _item(self, body: dict[str, Any]) -> Item:
        item = self.bank.item(str(body.get("access_token")))
        if item is None:
            raise _invalid("INVALID_ACCESS_TOKEN", "could not find matching access token")
        return item

    def _working(self, body: dict[str, Any]) -> Item:
        item = self._item(body)
        if item.error:
            raise Refusal(status=400, type="ITEM_ERROR", code=item.error, message="sign in again")
        return item

    def _create_link_token(self, body: dict[str, Any]) -> dict[str, Any]:
        if body.get("access_token"):
            self._item(body)
        expiration = (datetime.now(UTC) + timedelta(hours=4)).isoformat()
        return {"link_token": f"link-sandbox-{uuid.uuid4()}", "expiration": expiration}

    def _exchange(self, body: dict[str, Any]) -> dict[str, Any]:
        item = self.bank.exchange(str(body.get("public_token")))
        if item is None:
            raise _invalid("INVALID_PUBLIC_TOKEN", "could not find matching public token")
        return {"access_token": item.access_token, "item_id": item.id}

    def _get_item(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"item": item_json(self._item(body)), "status": None}

    def _remove_item(self, body: dict[str, Any]) -> dict[str, Any]:
        self._item(body).removed = True
        return {}

    def _get_accounts(self, body: dict[str, Any]) -> dict[str, Any]:
        item = self._working(body)
        return {"accounts": _accounts(item), "item": item_json(item)}

    def _sync(self, body: dict[str, Any]) -> dict[str, Any]:
        item, count = self._working(body), int(body.get("count", 100))
        if not 1 <= count <= MAX_COUNT:
            raise _invalid("INVALID_FIELD", "count must be between 1 and 500")
        begin, upto = _position(str(body.get("cursor") or "0"))
        length = item.history.length
        if upto is not None and upto != length:
            raise Refusal(
                status=400,
                type="TRANSACTIONS_ERROR",
                code="TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION",
                message="Underlying transaction data changed since last page was fetched.",
            )
        end = min(begin + count, length)
        events = list(item.history.between(begin, end))
        told: dict[str, Any] = {
            kind.value: [item.told(tx.id, tx_json(tx)) for found, tx in events if found is kind]
            for kind in (Kind.ADDED, Kind.MODIFIED)
        }
        gone = [tx for kind, tx in events if kind is Kind.REMOVED]
        return {
            **told,
            "removed": [
                item.told(f"-{tx.id}", {"transaction_id": tx.id, "account_id": tx.account_id}) for tx in gone
            ],
            "accounts": _accounts(item),
            "next_cursor": f"{end}" if end == length else f"{end}.{length}",
            "has_more": end < length,
            "transactions_update_status": "HISTORICAL_UPDATE_COMPLETE",
        }

    def _get_key(self, body: dict[str, Any]) -> dict[str, Any]:
        for key in self.keys:
            if key.id == body.get("key_id"):
                return {"key": key.as_jwk()}
        raise _invalid("INVALID_WEBHOOK_VERIFICATION_KEY_ID", "invalid key_id provided")

    def _create_public_token(self, body: dict[str, Any]) -> dict[str, Any]:
        item = self.bank.new_item(webhook=(body.get("options") or {}).get("webhook") or self.webhook_url)
        for account in item.accounts:
            item.history.fill(account_id=account.id, count=12)
        return {"public_token": self.bank.public_token(item)}

    def _reset_login(self, body: dict[str, Any]) -> dict[str, Any]:
        self._item(body).error = "ITEM_LOGIN_REQUIRED"
        return {"reset_login": True}

    def _fire_webhook(self, body: dict[str, Any]) -> dict[str, Any]:
        item = self._item(body)
        self._tell(item, body.get("webhook_type", "TRANSACTIONS"), str(body.get("webhook_code")))
        return {"webhook_fired": item.webhook is not None}

    def _tell(self, item: Item, kind: str, code: str) -> None:
        signed = self.webhook(kind, code, item_id=item.id, environment="sandbox")
        if item.webhook:
            threading.Thread(target=send, args=(signed,), kwargs={"url": item.webhook}, daemon=True).start()

    def _create_transactions(self, body: dict[str, Any]) -> dict[str, Any]:
        item = self._item(body)
        for row in body.get("transactions", []):
            item.add(
                Tx(
                    id=f"tx-{uuid.uuid4()}",
                    account_id=item.account.id,
                    cents=round(row["amount"] * 100),
                    name=row.get("description", "Shop"),
                    day=datetime.fromisoformat(row.get("date_posted", FIRST_DAY.isoformat())).date(),
                )
            )
        self._tell(item, "TRANSACTIONS", "SYNC_UPDATES_AVAILABLE")
        return {}


def _accounts(item: Item) -> list[Any]:
    return [item.told(one.id, account_json(one)) for one in item.accounts]


def _position(cursor: str) -> tuple[int, int | None]:
    """Where a cursor stands, and how long the history was when its pages were begun."""
    begin, _, upto = cursor.partition(".")
    return int(begin), int(upto) if upto else None
