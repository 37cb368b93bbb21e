"""Keeps the tokens of a person good while several processes use them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol, TypeVar

from app.domains.billing.integrations.errors import AccessTokenRefused, GrantRevoked

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from app.domains.billing.integrations.oauth.grants import Grant

T = TypeVar("T")

#: A token that ends within this is not used: it would end on the way.
MARGIN = timedelta(minutes=2)


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """What is stored of a grant; `generation` grows with each one that takes the place of the last."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime
    generation: int


class TokenStore(Protocol):
    """Where the tokens of one person at one provider are, for all processes."""

    def read(self) -> Tokens:
        """What is stored now."""

    def alone(self) -> AbstractContextManager[Tokens]:
        """What is stored, while no other process refreshes it. Raises `TokensReplaced` if one does."""

    def replace(self, old: Tokens, grant: Grant) -> Tokens:
        """Store `grant` for good, unless `old` is there no longer; what is stored then."""


@dataclass(frozen=True, kw_only=True)
class Access:
    """Calls a provider with a token that is good, and refreshes it once where it is not."""

    store: TokenStore
    refresh: Callable[[str], Grant]
    now: Callable[[], datetime]
    margin: timedelta = MARGIN

    def call(self, ask: Callable[[str], T]) -> T:
        """What `ask` gives for an access token. Raises `GrantRevoked`, and what `ask` raises."""
        tokens = self.store.read()
        if tokens.expires_at - self.now() < self.margin:
            tokens = self.renewed(tokens)
        try:
            return ask(tokens.access_token)
        except AccessTokenRefused:
            return ask(self.renewed(tokens).access_token)

    def renewed(self, stale: Tokens) -> Tokens:
        """Other tokens than `stale`: those that another process has got by now, or new ones."""
        with self.store.alone() as current:
            if current.generation != stale.generation:
                return current
            try:
                grant = self.refresh(current.refresh_token)
            except GrantRevoked:
                # A refresh token may be good once, and a process that was held up may have used it.
                newest = self.store.read()
                if newest.generation == current.generation:
                    raise
                return newest
            return self.store.replace(current, grant)
