"""What a task takes reaches its body, however its parameters are declared, or is refused at import."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest

from app.jobs.celery.task import task
from app.jobs.declaration import registry
from app.jobs.declaration.arguments import UnusableArguments, checked_arguments
from app.jobs.errors import UnboundParameter, UnknownSensitive, UnreadableAnnotations
from tests.jobs import samples
from tests.jobs.running import job_of

if TYPE_CHECKING:
    from starlette.testclient import TestClient

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.databases("sqlite")]


def submitted(api: TestClient, name: str, arguments: dict[str, Any]) -> Any:
    """What the body answers to arguments that came by HTTP."""
    answer = api.post("/api/v1/jobs", json={"task": name, "arguments": arguments})
    assert answer.status_code == 202, answer.text
    return run(job_of(answer.json()["id"]))


def run(job: Any) -> Any:
    """What the body answers to the arguments as the ledger has them."""
    from app.celery_app import celery_app

    return celery_app.tasks[job.task].apply(job.args, job.kwargs).get()


def test_a_task_whose_annotations_nobody_can_read_hides_no_other(api: TestClient) -> None:
    tasks = {found["name"]: found for found in api.get("/api/v1/tasks").json()}
    assert set(registry.tasks()) == set(tasks)
    assert tasks[samples.hinted.name]["arguments"]["properties"]["when"]["format"] == "date"
    assert tasks[samples.hinted_at_nothing_for_clients.name]["arguments"] is None
    assert tasks[samples.greet.name]["arguments"]["required"] == ["name"]


def test_what_is_imported_for_type_checkers_is_checked_like_any_other(api: TestClient) -> None:
    assert submitted(api, samples.hinted.name, {"when": "2026-01-31"}) == "2026 None"
    wrong = api.post("/api/v1/jobs", json={"task": samples.hinted.name, "arguments": {"when": "never"}})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "#/arguments/when")
    [], named = registry.spec_of(samples.hinted.name).checked((), {"when": "2026-01-31", "share": "1/3"})
    assert named == {"when": date(2026, 1, 31), "share": Fraction(1, 3)}


def test_an_internal_task_runs_whatever_its_annotations_name() -> None:
    assert samples.hinted_at_nothing("here", shares=[]) is None


def test_a_public_task_that_cannot_be_checked_is_refused_with_the_reason(api: TestClient) -> None:
    name = samples.hinted_at_nothing_for_clients.name
    answer = api.post("/api/v1/jobs", json={"task": name, "arguments": {"where": 1}})
    assert answer.status_code == 422
    assert f"The arguments of {name} cannot be checked" in answer.json()["detail"]
    assert "Nowhere" in answer.json()["detail"]


@dataclass
class Place:
    """Names what there is not."""

    where: Nowhere  # type: ignore[name-defined]  # noqa: F821


def take_place(place: Place) -> None: ...


def take_a_number(x: 5) -> None: ...  # type: ignore[valid-type]


def take_no_expression(x: "1 +") -> None: ...  # type: ignore[valid-type]  # noqa: F722


@pytest.mark.parametrize(
    ("body", "said"),
    [(take_place, "Nowhere"), (take_a_number, "for 5"), (take_no_expression, "must be an expression")],
)
def test_types_that_no_model_can_be_made_of_are_said_to_be(body: Any, said: str) -> None:
    spec = registry.TaskSpec(name="sample.odd", body=body, public=True)
    with pytest.raises(UnreadableAnnotations, match=rf"The arguments of sample\.odd cannot .*{said}.*\.$"):
        assert spec.model


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"x": 1}, [1, 2, 3, {}]),
        ({"x": "1", "y": 5}, [1, 5, 3, {}]),
        ({"x": 1, "z": 7, "more": "8", "self": 9}, [1, 2, 7, {"more": 8, "self": 9}]),
    ],
)
def test_arguments_by_position_only_and_further_ones_come_by_name_from_clients(
    api: TestClient, arguments: dict[str, Any], expected: list[Any]
) -> None:
    assert submitted(api, samples.in_place.name, arguments) == expected


@pytest.mark.parametrize("arguments", [{}, {"x": "one"}, {"x": 1, "more": "eight"}])
def test_arguments_that_do_not_fit_are_still_refused(api: TestClient, arguments: dict[str, Any]) -> None:
    answer = api.post("/api/v1/jobs", json={"task": samples.in_place.name, "arguments": arguments})
    assert answer.status_code == 422


def test_names_that_pydantic_keeps_to_itself_are_arguments_like_others(api: TestClient) -> None:
    arguments = {"copy": 1, "model_config": 2, "json": "x"}
    assert submitted(api, samples.awkward.name, arguments) == [1, 2, 3, "x"]


def test_from_python_such_tasks_are_called_as_the_function_is() -> None:
    job = job_of(str(samples.in_place.delay(1, 5, z=6, more=7).id))
    assert run(job) == [1, 5, 6, {"more": 7}]


def test_sealed_arguments_find_their_place() -> None:
    job = job_of(str(samples.sealed_in_place.delay("ann", 1234, more=5).id))
    assert "1234" not in str([job.args, job.kwargs])
    assert run(job) == ["ann", 1234, {"more": 5}]


def test_a_secret_among_any_others_is_sealed(api: TestClient) -> None:
    answer = api.post(
        "/api/v1/jobs",
        json={"task": samples.sealed_among_others.name, "arguments": {"token": "hunter2", "page": 2}},
    )
    job = job_of(answer.json()["id"])
    assert "hunter2" not in str(job.kwargs)
    assert run(job) == {"token": "hunter2", "page": 2}


def many(*values: int) -> None:
    """A body."""


def one(value: int) -> None:
    """A body."""


@pytest.mark.parametrize("options", [{"public": True}, {"sensitive": ("values",)}])
def test_what_cannot_come_by_name_is_refused_at_import(options: dict[str, Any]) -> None:
    with pytest.raises(UnboundParameter, match=r"takes \*values.*Take a list instead: values: list"):
        task(name="tests.many", **options)(many)
    assert "tests.many" not in registry.tasks()


def test_a_misspelt_sensitive_argument_is_refused_at_import() -> None:
    with pytest.raises(UnknownSensitive, match='"valeu" is sensitive, but takes: value'):
        task(name="tests.one", sensitive=("valeu",))(one)


def test_the_command_line_says_what_a_task_takes() -> None:
    spec = registry.spec_of(samples.in_place.name)
    with pytest.raises(UnusableArguments, match="Its arguments are: x, y, z, any other by its own name"):
        checked_arguments(spec, {})
    assert checked_arguments(spec, {"x": "1", "more": "2"}) == {"x": 1, "more": 2}
