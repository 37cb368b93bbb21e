"""A server that speaks Plaid's API, keeps a bank in memory, and fails on demand.

`with FakePlaid() as plaid:`, and `plaid.url` is what GROUNDWORK_PLAID_ENVIRONMENT takes.
"""

from tests.fakes.plaid.server import CLIENT_ID, SECRET, FakePlaid

__all__ = ["CLIENT_ID", "SECRET", "FakePlaid"]
