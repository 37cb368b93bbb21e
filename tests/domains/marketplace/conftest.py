from __future__ import annotations

from tests.outbound.mail.conftest import smtp

__all__ = ["smtp"]
