"""Lets tests import what a role's modules share, by the name it has on a host."""

from __future__ import annotations

import ansible.module_utils

from tests.ansible.roles import ROLES

ansible.module_utils.__path__.append(str(ROLES / "groundwork" / "module_utils"))
