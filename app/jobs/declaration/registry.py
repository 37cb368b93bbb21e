"""What is known of each task: declared once on its function, read by the API, the CLI and beat."""

from __future__ import annotations

import inspect
import random
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pydantic
from sqlalchemy.exc import OperationalError

from app.db import outages
from app.jobs.declaration import options, parameters
from app.jobs.declaration.hints import signature_of
from app.jobs.errors import PermanentError, RetryableError, UnknownQueue, UnknownTask, UnreadableAnnotations
from app.packages import modules
from app.topology import Priority, Queue, drained_queues

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from app.jobs.declaration.admission import Limits
    from app.jobs.declaration.uniqueness import Unique
    from app.schedule.spec import Schedule


@dataclass(frozen=True, kw_only=True)
class Retry:
    """When a failed job runs again: after `first`, growing by `factor` up to `most`, with jitter.

    Only failures in `on` are tried again; any other makes the job dead at once. A job whose worker died
    is tried again whatever the failure. `max_attempts` counts both; None means without end.
    A job that its hard time limit ended is dead, unless `after_time_limit` says that it may run again.
    """

    max_attempts: int | None = 3
    first: timedelta = timedelta(seconds=10)
    factor: float = 2.0
    most: timedelta = timedelta(minutes=10)
    jitter: bool = True
    after_time_limit: bool = False
    on: tuple[type[Exception], ...] = (RetryableError, ConnectionError, TimeoutError, OperationalError)

    def covers(self, error: Exception) -> bool:
        """Whether the job is tried again after `error`.

        `OperationalError` stands for a database that is away or busy: the class alone does not say it.
        """
        if OperationalError not in self.on or not isinstance(error, outages.ERRORS):
            return isinstance(error, self.on)
        others = tuple(kind for kind in self.on if kind is not OperationalError)
        return outages.is_transient(error) or isinstance(error, others)

    def delay(self, *, attempt: int) -> timedelta:
        """How long to wait after the attempt of that number (from 1)."""
        # In seconds, with a bound on the exponent: a timedelta or a float overflows before `most` cuts it.
        seconds = self.first.total_seconds() * self.factor ** min(attempt - 1, 64)
        wait = timedelta(seconds=min(seconds, self.most.total_seconds()))
        return wait * random.uniform(0.5, 1.0) if self.jitter else wait  # noqa: S311 (spreads load only)


@dataclass(frozen=True)
class TaskSpec:
    """One task as its decorator declared it."""

    name: str
    body: Callable[..., Any]
    queue: Queue = Queue.DEFAULT
    priority: int = Priority.NORMAL
    schedule: Schedule | None = None
    public: bool = False
    #: What a token needs, beside the scopes of jobs, to submit, change or look into a job of this task.
    scope: str | None = None
    sensitive: frozenset[str] = frozenset()
    durable: bool = True
    retry: Retry = Retry()
    max_attempts: int | None = 3
    bound: bool = False
    unique: Unique | None = None
    limits: Limits | None = None
    #: The arguments by whose values its jobs are found.
    search: tuple[str, ...] = ()

    @property
    def doc(self) -> str:
        """The first paragraph of the function's docstring."""
        return (inspect.getdoc(self.body) or "").split("\n\n")[0].replace("\n", " ")

    @cached_property
    def _read(self) -> tuple[inspect.Signature, list[str]]:
        found, unknown = signature_of(self.body)
        parameters = list(found.parameters.values())
        return found.replace(parameters=parameters[1:] if self.bound else parameters), unknown

    @property
    def signature(self) -> inspect.Signature:
        """What a caller may pass; without the task itself where the body takes it."""
        return self._read[0]

    @cached_property
    def _by_name(self) -> inspect.Signature:
        return parameters.by_name(self.signature)

    @cached_property
    def model(self) -> type[pydantic.BaseModel]:
        """The arguments by name, as a pydantic model that refuses what the task does not take."""
        unknown = self._read[1]
        if self.public and unknown:
            raise UnreadableAnnotations(task=self.name, problem=", ".join(unknown))
        try:
            return parameters.model_of(self.signature, name=self.name)
        except Exception as error:  # what pydantic makes nothing of, it refuses in many ways
            problem = str(error).partition("\n")[0].rstrip(".")
            raise UnreadableAnnotations(task=self.name, problem=problem) from error

    def as_json(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments by name as the task's own types, in JSON. Raises pydantic's `ValidationError`."""
        values = self.model.model_validate(arguments)
        return values.model_dump(mode="json", exclude_unset=True, by_alias=True)

    def named(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """All given arguments by name. Raises TypeError where they do not fit, as a call would."""
        return parameters.named(self._by_name, args, kwargs)

    def in_full(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """As `named`, with the defaults of those that are not given."""
        return parameters.named(self._by_name, args, kwargs, defaults=True)

    def checked(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """The arguments for the body, checked by `model`. Raises `PermanentError` where they do not fit."""
        try:
            # What comes by name alone, as from the API, has its names checked by the model.
            values = self.model.model_validate(self.named(args, kwargs) if args else kwargs)
        except (pydantic.ValidationError, TypeError) as error:
            raise PermanentError(f"{self.name} cannot take these arguments: {error}") from error
        return parameters.placed(self.signature, parameters.given(values))

    def placed(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """The arguments for the body, where sealing has made those that it takes by position named ones."""
        placed, named = parameters.placed(self.signature, kwargs)
        return [*args, *placed], named


_DRAINED = frozenset(queue.value for queue in drained_queues())
_DECLARED: dict[str, TaskSpec] = {}
#: Who else knows tasks by their names.
_ELSEWHERE: list[Callable[[str], TaskSpec | None]] = []


class DuplicateTask(ValueError):
    """Raised at import when two functions claim one name on the wire."""

    def __init__(self, *, name: str, body: Callable[..., Any]) -> None:
        super().__init__(
            f'The task name "{name}" is declared twice, the second time by {body.__module__}.'
            f"{body.__qualname__}. Rename one function, or give one a name= of its own."
        )


class NotARunnableBody(TypeError):
    """Raised at import for a body that gives neither a value nor a coroutine."""

    def __init__(self, *, task: str) -> None:
        super().__init__(
            f"The body of {task} is an async generator, which gives no result: write `return` in place of "
            "`yield`, and show how far it is with checkpoint(progress={...})."
        )


def declare(spec: TaskSpec) -> None:
    """Make a task known. Raises when its name is taken, its queue drained by no pool, or its body no body."""
    if inspect.isasyncgenfunction(spec.body):
        raise NotARunnableBody(task=spec.name)
    known = _DECLARED.get(spec.name)
    if known and (known.body.__module__, known.body.__qualname__) != (
        spec.body.__module__,
        spec.body.__qualname__,
    ):
        raise DuplicateTask(name=spec.name, body=spec.body)
    checked_queue(spec.queue, task=spec.name)
    parameters.refuse_unbindable(
        inspect.signature(spec.body), task=spec.name, by_name=spec.public, sensitive=spec.sensitive
    )
    options.priority(spec.priority, task=spec.name)
    _DECLARED[spec.name] = spec


def checked_queue(queue: object, *, task: str) -> str:
    """`queue`, if a pool drains it."""
    if not isinstance(queue, str) or queue not in _DRAINED:
        raise UnknownQueue(queue=queue, task=task, known=_DRAINED)
    return str(queue)


def add_lookup(elsewhere: Callable[[str], TaskSpec | None]) -> None:
    """Ask `elsewhere` for a task that nobody declared here."""
    _ELSEWHERE.append(elsewhere)


def tasks() -> dict[str, TaskSpec]:
    """Every declared task by its name; imports all domains first."""
    modules("tasks")
    return dict(sorted(_DECLARED.items()))


def known(names: Iterable[str]) -> set[str]:
    """Those of `names` that are declared tasks."""
    wanted = set(names)
    return wanted if wanted <= _DECLARED.keys() else wanted & tasks().keys()


def is_declared(name: str) -> bool:
    """Whether the task is known without a look at modules that are not loaded yet."""
    return name in _DECLARED


def limits_of(name: str) -> Limits | None:
    """What is declared about how many jobs of the task may begin and run; looks no further than that."""
    spec = _DECLARED.get(name)
    return spec.limits if spec else None


def find(name: str) -> TaskSpec | None:
    """The task called `name`, declared here or known elsewhere; None if there is none."""
    if name in _DECLARED:
        return _DECLARED[name]
    declared = tasks()
    if name in declared:
        return declared[name]
    for look in _ELSEWHERE:
        if (found := look(name)) is not None:
            return found
    return None


def spec_of(name: str) -> TaskSpec:
    """As `find`. Raises `UnknownTask`."""
    found = find(name)
    if found is None:
        raise UnknownTask(name=name, known=tasks())
    return found
