"""What callers send is taken as it is meant, and bad documents are answered briefly."""

from __future__ import annotations

import itertools
import json
import tracemalloc
from contextlib import suppress
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import quote

import pytest
from fastapi.routing import iter_route_contexts
from pydantic import Field, ValidationError

from app.api import create_app
from app.jobs.declaration import registry
from app.jobs.errors import UnreadableAnnotations
from app.values.field_errors import MAX_ERRORS
from app.values.strict_models import StrictModel, plain_int
from tests.api_client import client_for
from tests.jobs import samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Engine

BATCH = "/api/v1/jobs/batch"
NOT_NUMBERS = [
    "", " ", "1_0", "+1", "1.0", " 1", "1 ", "1\n", "01", "-0", "--1", "1e2", "0x1", "NaN", "true",
    "\u0661", "\uff11", "\u00b2",
]  # fmt: skip


class Nested(StrictModel):
    """Members of every kind that holds many."""

    number: int = 0
    maybe: int | None = None
    many: list[int] = Field(default=[])
    pairs: tuple[int, ...] = ()
    named: dict[str, list[int]] = Field(default={})
    #: Names that the schema has a meaning for.
    type: int = 0
    default: int = 0
    fields: list[int] = Field(default=[])


def mistakes(document: Any) -> int:
    with pytest.raises(ValidationError) as caught:
        Nested.model_validate(document)
    return caught.value.error_count()


@pytest.mark.parametrize("text", [*NOT_NUMBERS, 1.0, True, None])
@pytest.mark.parametrize("member", ["number", "type", "default"])
def test_a_number_is_digits_or_a_number(text: object, member: str) -> None:
    assert mistakes({member: text}) == 1
    assert getattr(Nested.model_validate({member: "17"}), member) == 17
    assert getattr(Nested.model_validate({member: -17}), member) == -17


def test_no_number_of_bad_members_gives_more_than_a_few_errors() -> None:
    bad = ["x"] * 100_000
    assert mistakes({"many": bad, "pairs": bad, "fields": bad, "named": {"a": bad, "b": bad}}) == 4
    assert mistakes({"named": {str(number): bad for number in range(100)}}) == 1
    assert mistakes({str(number): 0 for number in range(100_000)}) == 1
    assert mistakes({"unknown": 1, "unheard of": 2}) == 2


def models() -> Iterator[type[Any]]:
    for spec in registry.tasks().values():
        with suppress(UnreadableAnnotations):
            yield spec.model
    for route in iter_route_contexts(create_app().routes):
        for field in getattr(getattr(route, "dependant", None), "body_params", ()):
            annotation = field.field_info.annotation
            yield from get_args(annotation) or (annotation,)


def test_every_body_and_all_arguments_are_strict() -> None:
    found = list(models())
    assert len(found) > 20
    assert [model for model in found if not issubclass(model, StrictModel)] == []


def whole_numbers() -> Iterator[tuple[Any, Any]]:
    """Each route with each parameter of its path and query that is a whole number."""
    for route in iter_route_contexts(create_app().routes):
        dependant = getattr(route, "dependant", None)
        for parameter in [*dependant.path_params, *dependant.query_params] if dependant else []:
            if "integer" in json.dumps(parameter._type_adapter.json_schema()):
                yield route, parameter


def test_no_parameter_takes_a_number_that_nobody_means(
    configure: Callable[..., None], sqlite_url: str, redis_url: str
) -> None:
    configure(database_url=sqlite_url, redis_url=redis_url)
    client = client_for()
    found = list(whole_numbers())
    assert len(found) > 20
    for text, (route, parameter) in zip(itertools.cycle(NOT_NUMBERS), found, strict=False):
        path = route.path.replace("{" + parameter.name + "}", quote(text) or "%20")
        for other in route.dependant.path_params:
            path = path.replace("{" + other.name + "}", "1")
        query = {parameter.alias: text} if parameter in route.dependant.query_params else None
        answer = client.request(next(iter(route.methods)), path, params=query, json={})
        assert answer.status_code == 422, (path, query)
        places = [error.get("parameter") for error in answer.json()["errors"]]
        assert parameter.alias in places, (path, query)
        for other_text in NOT_NUMBERS:
            _, mistakes = parameter.validate(other_text, {}, loc=("query", parameter.alias))
            assert mistakes, (path, other_text)


GOOD = {"task": samples.greet.name, "arguments": {"name": "Ada"}}
MANY_MEMBERS = {f"{number:x}": 0 for number in range(80_000)}
SOME_MEMBERS = {f"{number:x}": 0 for number in range(80)}
#: About a MiB of each kind.
BAD_BATCHES: dict[str, list[Any]] = {
    "empty items": [{}] * 250_000,
    "items of unknown members": [SOME_MEMBERS] * 1_000,
    "one item of unknown members": [MANY_MEMBERS],
    "unknown arguments": [{**GOOD, "arguments": MANY_MEMBERS}],
    "items whose arguments are unknown": [{**GOOD, "arguments": SOME_MEMBERS}] * 900,
    "numbers that are too large": [2**70] * 45_000,
}


@pytest.mark.parametrize("name", BAD_BATCHES)
def test_a_batch_of_mistakes_is_answered_briefly_and_takes_little_memory(
    configure: Callable[..., None], sqlite_url: str, redis_url: str, name: str
) -> None:
    configure(database_url=sqlite_url, redis_url=redis_url)
    client = client_for()
    client.post(BATCH, json={"jobs": []})
    body = json.dumps({"jobs": BAD_BATCHES[name]}, separators=(",", ":")).encode()
    tracemalloc.start()
    answer = client.post(BATCH, content=body, headers={"Content-Type": "application/json"})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.status_code == 422
    assert len(answer.content) < 20_000
    assert 1 <= len(answer.json()["errors"]) <= MAX_ERRORS
    # Python's own price for a document of the smallest values is thirty times its length.
    assert peak < 60 * len(body)


def test_the_mistakes_of_a_batch_are_listed_up_to_a_bound_and_counted_beyond(database: Engine) -> None:
    jobs: list[dict[str, Any]] = [dict(GOOD) for _ in range(1_000)]
    for index in range(100, 150):
        jobs[index] = {"task": 1, "unknown": 1}
    answer = client_for().post(BATCH, json={"jobs": jobs})
    assert answer.status_code == 422
    document = answer.json()
    assert [error["pointer"] for error in document["errors"]][:3] == [
        "#/jobs/100/task",
        "#/jobs/100/unknown",
        "#/jobs/101/task",
    ]
    assert len(document["errors"]) == MAX_ERRORS
    assert document["more_errors"] == 100 - MAX_ERRORS
    assert "and 99 more" in document["detail"]


def test_arguments_that_do_not_fit_are_listed_and_counted_alike(database: Engine) -> None:
    jobs = [{**GOOD, "arguments": {}} for _ in range(50)]
    document = client_for().post(BATCH, json={"jobs": jobs}).json()
    assert [error["pointer"] for error in document["errors"]] == [
        f"#/jobs/{index}/arguments/name" for index in range(MAX_ERRORS)
    ]
    assert document["more_errors"] == 50 - MAX_ERRORS


def test_what_python_gives_is_taken_too() -> None:
    assert plain_int(5) == 5
    assert plain_int(None) is None
