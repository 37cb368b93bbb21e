"""Lets tests import what the modules of a role share, by the name it has on a host."""

from __future__ import annotations

import ansible.module_utils

from tests.ansible.roles import ROLES

ansible.module_utils.__path__ += [str(path) for path in ROLES.glob("*/module_utils")]
