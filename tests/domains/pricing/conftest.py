from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.domains.pricing.importer import Importer

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine


@pytest.fixture
def importer(database: Engine, tmp_path: Path) -> Importer:
    return Importer(tmp_path)
