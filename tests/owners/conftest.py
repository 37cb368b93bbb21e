"""Two people who have one of everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.owners import belongings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.owners.belongings import Belongings


@pytest.fixture
def ann(database: Engine) -> Belongings:
    return belongings.somebody("canary-ann")


@pytest.fixture
def bob(ann: Belongings) -> Belongings:
    return belongings.somebody("canary-bob")
