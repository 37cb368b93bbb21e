"""The port to Plaid. Every call takes a turn, ends in time, and fails in one of few ways."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

from app.domains.banking.errors import PlaidNotConfigured
from app.domains.banking.plaid import exact_json, parsers
from app.domains.banking.plaid.error_mapping import classified
from app.outbound.deliveries import turns
from app.settings.config import settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.domains.banking.facts import Accounts, Grant, ItemFacts, LinkToken, Page
    from app.domains.banking.plaid.ahead import Ahead

T = TypeVar("T")

#: What `app.outbound.deliveries.turns` knows Plaid by.
NAME = "plaid"
#: Plaid's greatest page.
PAGE_SIZE = 500
CONNECT_TIMEOUT = timedelta(seconds=5)
#: Plaid may have to ask the bank before it answers.
ANSWER_TIMEOUT = timedelta(seconds=30)
#: A webhook waits while its key is asked for, and Plaid gives up on one after ten seconds.
KEY_TIMEOUT = timedelta(seconds=5)
CLIENT_NAME = "Groundwork"
PRODUCTS = ["transactions"]


def take_turn() -> None:
    """Take one of the turns that all processes share; nothing may be uncommitted. Raises `NotYourTurn`."""
    turns.take(NAME, per_minute=settings().plaid_per_minute)


@dataclass(frozen=True, kw_only=True)
class Plaid:
    """Plaid's API as far as banking needs it; `turn` is called before each request.

    Raises `PlaidUnavailable`, `ItemBroken`, `PlaidRefused` and `PlaidNotConfigured`.
    """

    turn: Callable[[], None] = take_turn

    def link_token(self, *, user_id: str, language: str, country: str, access_token: str | None) -> LinkToken:
        """A token that opens Plaid Link; with `access_token`, to mend that item."""
        request: dict[str, Any] = {
            "client_name": CLIENT_NAME,
            "language": language,
            "country_codes": [country],
            "user": {"client_user_id": user_id},
        }
        if settings().plaid_webhook_url:
            request["webhook"] = settings().plaid_webhook_url
        request |= {"products": PRODUCTS} if access_token is None else {"access_token": access_token}
        return self._call("link_token_create", request, parsers.link_token)

    def exchange(self, *, public_token: str) -> Grant:
        """What Plaid Link's public token stands for. It can be exchanged once."""
        return self._call("item_public_token_exchange", {"public_token": public_token}, parsers.grant)

    def item(self, *, access_token: str) -> ItemFacts:
        """How the item is now."""
        return self._call("item_get", {"access_token": access_token}, parsers.item)

    def remove(self, *, access_token: str) -> None:
        """Have Plaid forget the item: its token is good for nothing afterwards."""
        self._call("item_remove", {"access_token": access_token}, lambda _answer: None)

    def accounts(self, *, access_token: str) -> Accounts:
        """The accounts of an item."""
        operation = "accounts_get"
        read = partial(parsers.accounts, operation=operation)
        return self._call(operation, {"access_token": access_token}, read)

    def changes(self, *, access_token: str, cursor: str | None, ahead: Ahead | None = None) -> Page:
        """The page of changes after `cursor`; the next one is asked for `ahead` while it is read.

        Raises `MutatedDuringPagination`.
        """

        def read(answer: dict[str, Any]) -> Page:
            following = parsers.following(answer)
            request = _page_request(access_token, following)
            if ahead and following and not self._is_known(parsers.SYNC, request):
                ahead.begin(request, turn=self.turn, ask=partial(_send, parsers.SYNC))
            return parsers.page(answer)

        return self._call(parsers.SYNC, _page_request(access_token, cursor), read, ahead=ahead)

    def verification_key(self, *, key_id: str) -> dict[str, Any]:
        """The key (JWK) that is called `key_id`; `expired_at` in it says since when it is void."""
        request = {"key_id": key_id}
        operation = "webhook_verification_key_get"
        answer = exact_json.answer_of(self._ask(operation, request, timeout=KEY_TIMEOUT), operation=operation)
        return dict(exact_json.member(answer, "key", dict, operation=operation))

    def _call(
        self,
        operation: str,
        request: dict[str, Any],
        read: Callable[[dict[str, Any]], T],
        *,
        ahead: Ahead | None = None,
    ) -> T:
        return read(exact_json.answer_of(self._asked(operation, request, ahead), operation=operation))

    def _asked(self, operation: str, request: dict[str, Any], ahead: Ahead | None) -> bytes:
        answer = ahead.answer_to(request) if ahead else None
        return self._ask(operation, request) if answer is None else answer

    def _is_known(self, operation: str, request: dict[str, Any]) -> bool:  # noqa: ARG002 (here nothing is)
        """Whether there is an answer to that already."""
        return False

    def _ask(self, operation: str, request: dict[str, Any], *, timeout: timedelta = ANSWER_TIMEOUT) -> bytes:
        _client_of_settings()  # which raises before a turn is spent
        self.turn()
        return _send(operation, request, timeout=timeout)


def _page_request(access_token: str, cursor: str | None) -> dict[str, Any]:
    request: dict[str, Any] = {"access_token": access_token, "count": PAGE_SIZE}
    return request if cursor is None else {**request, "cursor": cursor}


def _send(operation: str, request: dict[str, Any], *, timeout: timedelta = ANSWER_TIMEOUT) -> bytes:
    client = _client_of_settings()
    given = [value for name, value in request.items() if name.endswith("_token")]
    with classified(operation, hiding=given):
        answer: bytes = getattr(client, operation)(
            request,
            # Its models take 160 times as long as the JSON (0.8 s for a page of 500), make floats of
            # amounts, and fail when Plaid adds a value to an enumeration.
            _preload_content=False,
            _request_timeout=(CONNECT_TIMEOUT.total_seconds(), timeout.total_seconds()),
        ).data
    return answer


def _client_of_settings() -> Any:
    chosen = settings()
    if not chosen.plaid_client_id or not chosen.plaid_secret.get_secret_value():
        raise PlaidNotConfigured
    return _client(chosen.plaid_environment, chosen.plaid_client_id, chosen.plaid_secret.get_secret_value())


@cache
def _client(environment: str, client_id: str, secret: str) -> Any:
    # Imported on first use: it costs a third of a second and 30 MB, which few processes ever need.
    import plaid
    from plaid.api import plaid_api

    hosts = {"sandbox": plaid.Environment.Sandbox, "production": plaid.Environment.Production}
    configuration = plaid.Configuration(
        host=hosts.get(environment, environment), api_key={"clientId": client_id, "secret": secret}
    )
    # The job's own retry knows how long to wait; urllib3 would repeat at once.
    configuration.retries = False
    return plaid_api.PlaidApi(plaid.ApiClient(configuration))
