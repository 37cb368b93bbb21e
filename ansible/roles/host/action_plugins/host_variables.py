"""Says in sentences which variables of an inventory do not exist, have a wrong type, or have no effect."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible.utils.vars import load_extra_vars
from ansible.vars.plugins import get_vars_from_inventory_sources

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

Option = dict[str, Any]

ROLES = Path(__file__).parents[2]
#: What the playbooks take themselves, beside the roles.
OF_PLAYBOOKS: dict[str, Option] = {
    "groundwork_backup_enabled": {"type": "bool"},
    "groundwork_flower_password": {"type": "str", "no_log": True},
    "groundwork_secret_key": {"type": "str", "no_log": True},
    "groundwork_serial": {"type": "raw"},
    "restore_discard": {"type": "bool"},
    "restore_from": {"type": "str"},
    "restore_settings": {"type": "bool"},
}
#: Ansible looks at these before it reads what an inventory says of hosts.
HEARD_ON_COMMAND_LINE = ("groundwork_serial",)
#: Hosts at a time, or their share.
BATCH = re.compile(r"[1-9][0-9]*%?")
#: What plays set themselves.
REGISTERED = frozenset({"backup_restored_name", "groundwork_conflicts", "host_packages"})
#: -1 turns these off; nothing else is less than zero.
MAY_BE_NEGATIVE = frozenset({"postgresql_log_statements_over_ms"})
PRIVATE = "__"
TYPES = {
    "bool": "true or false",
    "dict": "names with values (name: value)",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "path": "a path",
    "str": "text",
}
#: Roles use these without a conversion, so that what Ansible would convert is not enough.
NOT_CONVERTED: dict[str, type] = {"dict": dict, "list": list}
REFUSED: dict[str, tuple[type, ...]] = {
    "int": (bool,),
    "float": (bool,),
    "str": (dict, list),
    "path": (dict, list),
}
#: `-e name=false` is text, which is true where nobody converts it.
TEXT_IS_CONVERTED = ("groundwork_", "restore_")
#: How like a name another must be to be taken for a typing error.
MIN_LIKENESS, MIN_LIKENESS_OF_OTHERS = 0.6, 0.9


class ActionModule(ActionBase):  # type: ignore[misc]
    """Looks at all variables of the host, on the controller; no value of a secret is told."""

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the action."""
        super().run(tmp, task_vars)
        variables = task_vars or {}
        options = options_of_roles() | OF_PLAYBOOKS
        wired = yaml.safe_load(Path(variables["playbook_dir"], "group_vars/all.yml").read_text())
        known = {*options, *wired, *REGISTERED, *self._task.args.get("own", [])}
        return {
            "changed": False,
            "errors": [
                *unknown(variables, known=known),
                *type_errors(self._values(variables, names=options), options=options),
                *without_effect(self._given_to_all(), wired=wired, variables=variables),
                *not_heard(variables, command_line=load_extra_vars(self._loader)),
            ],
        }

    def _values(self, variables: Mapping[str, Any], *, names: Collection[str]) -> dict[str, Any]:
        """What they come to; one that cannot be told yet is left to who uses it."""
        found = {}
        for name in set(names) & set(variables):
            try:
                found[name] = self._templar.template(variables[name])
            except AnsibleError:
                continue
        return found

    def _given_to_all(self) -> dict[str, Any]:
        """What the inventory says of all hosts."""
        # The only way there that a plugin has.
        inventory = self._task.get_variable_manager()._inventory
        everybody = inventory.groups["all"]
        files = get_vars_from_inventory_sources(self._loader, inventory._sources, [everybody], "task")
        return {**everybody.get_vars(), **files}


def options_of_roles() -> dict[str, Option]:
    """By name, what the roles take, as they declare it."""
    found: dict[str, Option] = {}
    for file in sorted(ROLES.glob("*/meta/argument_specs.yml")):
        found |= yaml.safe_load(file.read_text())["argument_specs"]["main"]["options"]
    return found


def unknown(names: Collection[str], *, known: Collection[str]) -> Iterator[str]:
    """A sentence for each name that begins or looks like one of ours and is none."""
    prefixes = tuple(sorted(f"{path.name}_" for path in ROLES.iterdir() if path.is_dir()))
    for name in sorted(set(names) - set(known)):
        if name.startswith(PRIVATE):
            continue
        ours = name.startswith(prefixes)
        near = difflib.get_close_matches(
            name.lower(), known, n=1, cutoff=MIN_LIKENESS if ours else MIN_LIKENESS_OF_OTHERS
        )
        if not ours and not near:
            continue
        hint = f"did you mean {near[0]}?" if near else "see the tables in ansible/README.md."
        yield (
            f"There is no variable {name}; {hint} If it is one of your own, give it another name or put it "
            "into host_own_variables."
        )


def type_errors(values: Mapping[str, Any], *, options: Mapping[str, Option]) -> Iterator[str]:
    """A sentence for each value that is not what its variable takes."""
    for name, value in sorted(values.items()):
        option = options[name]
        if not _fits(name, value, option=option):
            shown = "" if option.get("no_log") or isinstance(value, dict | list) else f" {value!r}"
            yield f"{name} is{shown or ' of another type'}; it takes {_words(name, option)}."


def without_effect(
    given: Mapping[str, Any], *, wired: Mapping[str, Any], variables: Mapping[str, Any]
) -> Iterator[str]:
    """A sentence for each variable that the inventory gives to all hosts, and that the wiring wins over."""
    for name in sorted(set(given) & set(wired)):
        if variables.get(name) == wired[name] != given[name]:
            yield (
                f"{name} has no effect where the inventory sets it for all hosts: it follows from other "
                "variables, by ansible/group_vars/all.yml. Set those, or give it to another group or host."
            )


def not_heard(names: Collection[str], *, command_line: Collection[str]) -> Iterator[str]:
    """A sentence for each variable that an inventory gives, and that is heard on the command line alone."""
    for name in HEARD_ON_COMMAND_LINE:
        if name in names and name not in command_line:
            yield (
                f"{name} has no effect in an inventory, which Ansible reads too late for it: take it out "
                f"there, and give it on the command line (-e '{{\"{name}\": ...}}')."
            )


def _fits(name: str, value: Any, *, option: Option) -> bool:
    kind = option.get("type", "str")
    if value is None:
        return bool(kind in {"raw", "str"})
    if not isinstance(value, NOT_CONVERTED.get(kind, object)) or isinstance(value, REFUSED.get(kind, ())):
        return False
    if kind == "bool" and isinstance(value, str) and not name.startswith(TEXT_IS_CONVERTED):
        return False
    told = {key: option[key] for key in ("type", "elements", "choices", "options") if key in option}
    checked = ArgumentSpecValidator({name: told}).validate({name: value})
    if checked.error_messages:
        return False
    if name == "groundwork_serial":
        batches = value if isinstance(value, list) else [value]
        return all(BATCH.fullmatch(str(each)) for each in batches)
    return name in MAY_BE_NEGATIVE or not _is_negative(checked.validated_parameters[name])


def _is_negative(value: Any) -> bool:
    numbers = value if isinstance(value, list) else [value]
    return any(isinstance(number, int | float) and number < 0 for number in numbers)


def _words(name: str, option: Option) -> str:
    if name == "groundwork_serial":
        return 'a list of numbers of hosts or shares of them, such as [1, "50%"]'
    if option.get("choices"):
        return f"one of {', '.join(map(str, option['choices']))}"
    words = TYPES.get(option.get("type", "str"), "another type of value")
    if option.get("type") in {"int", "float"} and name not in MAY_BE_NEGATIVE:
        words += ", zero or more"
    of = TYPES.get(option.get("elements", ""), "")
    return f"{words}, each item {of}" if of else words
