"""What a task takes: its arguments by name for clients, and by position where the body wants them so."""

from __future__ import annotations

from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any

import pydantic

from app.jobs.errors import UnboundParameter, UnknownSensitive
from app.values.strict_models import StrictModel

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


def refuse_unbindable(signature: Signature, *, task: str, by_name: bool, sensitive: Collection[str]) -> None:
    """Raise for parameters that cannot get their arguments, so that a mistake fails at import."""
    kinds = {parameter.name: parameter.kind for parameter in signature.parameters.values()}
    for name, kind in kinds.items():
        if kind is Parameter.VAR_POSITIONAL and (by_name or sensitive):
            raise UnboundParameter(task=task, parameter=name)
    takes_any = Parameter.VAR_KEYWORD in kinds.values()
    for name in sensitive:
        if name not in kinds and not takes_any:
            raise UnknownSensitive(task=task, parameter=name, known=kinds)


def model_of(signature: Signature, *, name: str) -> type[pydantic.BaseModel]:
    """The arguments by name, as a pydantic model that refuses what the signature does not take.

    Fields have names of their own and the parameters' as aliases: pydantic keeps some names to itself.
    """
    fields: dict[str, Any] = {}
    base: type[StrictModel] = StrictModel
    for number, parameter in enumerate(signature.parameters.values()):
        if parameter.kind is Parameter.VAR_KEYWORD:
            base = _open(_kind_of(parameter))
        elif parameter.kind is not Parameter.VAR_POSITIONAL:
            default = ... if parameter.default is parameter.empty else parameter.default
            field = pydantic.Field(default, alias=parameter.name)
            fields[f"parameter_{number}"] = (_kind_of(parameter), field)
    made: type[pydantic.BaseModel] = pydantic.create_model(name, __base__=base, **fields)
    # What a class among the types names may be missing, of which nobody would hear before the first call.
    made.model_rebuild()
    return made


def _open(kind: Any) -> type[StrictModel]:
    """Takes further arguments of one kind, as `**options: kind` does."""
    members = {
        "__module__": __name__,
        "__annotations__": {"__pydantic_extra__": dict[str, kind]},
        "model_config": pydantic.ConfigDict(extra="allow"),
    }
    return type("Open", (StrictModel,), members)


def _kind_of(parameter: Parameter) -> Any:
    return Any if parameter.annotation is parameter.empty else parameter.annotation


def given(values: pydantic.BaseModel) -> dict[str, Any]:
    """What was given to a model of `model_of`, by the parameters' names and as values of their types."""
    fields = type(values).model_fields
    further = values.model_extra or {}
    set_ = {name: field for name, field in fields.items() if name in values.model_fields_set - set(further)}
    return {field.alias or name: getattr(values, name) for name, field in set_.items()} | further


def named(
    by_name: Signature, args: Sequence[Any], kwargs: Mapping[str, Any], *, defaults: bool = False
) -> dict[str, Any]:
    """All given arguments by name, with those of `**options` among them. Raises TypeError as a call would."""
    found = by_name.bind_partial(*args, **kwargs)
    if defaults:
        found.apply_defaults()
    flat = dict(found.arguments)
    for parameter in by_name.parameters.values():
        if parameter.kind is Parameter.VAR_KEYWORD:
            flat |= flat.pop(parameter.name, {})
    return flat


def by_name(signature: Signature) -> Signature:
    """As `signature`, but what it takes by position only may be given by name, too."""
    either = Parameter.POSITIONAL_OR_KEYWORD
    return signature.replace(
        parameters=[
            each.replace(kind=either) if each.kind is Parameter.POSITIONAL_ONLY else each
            for each in signature.parameters.values()
        ]
    )


def placed(signature: Signature, values: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Arguments by name, as the body takes them: some by position only."""
    rest = dict(values)
    args: list[Any] = []
    for parameter in signature.parameters.values():
        if parameter.kind is Parameter.POSITIONAL_ONLY:
            if parameter.name not in rest:
                break  # it has a default, and so has what follows it
            args.append(rest.pop(parameter.name))
    return args, rest


def in_words(signature: Signature) -> str:
    """The names of the arguments, for a sentence."""
    words: dict[Any, str] = {
        Parameter.VAR_KEYWORD: "any other by its own name",
        Parameter.VAR_POSITIONAL: "more by position",
    }
    found = [words.get(each.kind, each.name) for each in signature.parameters.values()]
    return ", ".join(found) or "none"
