"""The `@task` decorator, and the Celery task class that runs a job under its claim."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import structlog
from celery import Task
from celery.exceptions import Ignore, Reject
from celery.exceptions import Retry as CeleryRetry

from app.db import outages
from app.jobs.celery import compat
from app.jobs.celery.adopt import begin_foreign
from app.jobs.celery.application import celery_app
from app.jobs.celery.batches import claimed
from app.jobs.celery.heartbeat import holder
from app.jobs.celery.pickled_exceptions import harmless
from app.jobs.declaration import admission, registry, uniqueness
from app.jobs.declaration import search as search_keys
from app.jobs.declaration.limits import attempts_allowed, soft_limit
from app.jobs.declaration.options import HORIZON
from app.jobs.errors import AttemptStopped, LeaseLost, LeftByBody, NotYourTurn, RetryableError
from app.jobs.ledger.encoding import said
from app.jobs.ledger.seal import unseal
from app.jobs.publish.headers import CONTEXT_HEADER
from app.jobs.transitions import attempt, recording, rules
from app.processes import coroutines
from app.topology import Priority, Queue

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import timedelta

    from app.jobs.declaration.uniqueness import While
    from app.schedule.spec import Schedule

P = ParamSpec("P")
R = TypeVar("R")

log = structlog.get_logger(__name__)
NO_RETRY = registry.Retry(on=())


class JobTask(Task[..., Any]):
    """Runs the body between claim and finish; the finish itself is the result backend's."""

    abstract = True
    Request = "app.jobs.celery.request:JobRequest"
    acks_late = True
    durable: bool = True
    # Celery must report every end of an attempt to the backend, wanted result or not.
    store_errors_even_if_ignored = True
    retry_policy: registry.Retry = NO_RETRY
    #: Checks what a public task is called with, gives it the types it declares, and puts it in its place.
    arguments: Callable[..., tuple[Any, dict[str, Any]]] | None = None

    @classmethod
    def bind(cls, app: Any) -> Any:
        """As Celery's; a task may declare a limit below the soft one of the settings."""
        bound = super().bind(app)
        limit: Any = soft_limit(hard=cls.time_limit, soft=cls.soft_time_limit)
        cls.soft_time_limit = limit
        return bound

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        if self.request.called_directly:
            return self._run(args, kwargs)
        try:
            return self._attempt(args, kwargs)
        except (Ignore, Reject, CeleryRetry):
            raise
        except Exception as error:
            told = harmless(error)
            if told is error:
                raise
            raise told from error

    def _attempt(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        request: Any = self.request
        if not self.durable:
            return self._run(args, kwargs)
        if request.is_eager:
            with attempt.eagerly(request.id):
                return self._run(args, kwargs)
        worker = holder(request.hostname)
        job = claimed.begin(request, worker=worker) or begin_foreign(request, worker=worker)
        if job is None:
            raise Ignore(f"Job {request.id} is not to be run by this message: finished, held or moved on.")
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(**_context_of(request), job_id=job.id)
        backend: Any = self.backend
        try:
            return self._run(args, kwargs)
        except (Ignore, Reject) as refusal:
            backend.settle_refusal(job, refusal)
            raise Ignore(str(refusal)) from None
        except CeleryRetry as asked:
            if job.moved is None:
                # Raised by hand, without `self.retry()`: as it is, it would be tried again without end.
                raise self._next_try(job, RetryableError(said(asked))) from asked
            job.roll_back()
            raise
        except LeaseLost as error:
            raise Ignore(str(error)) from None
        except NotYourTurn as error:
            recording.record(job, rules.held(error.partition), exc=error, after_death=backend.after_death)
            raise Ignore(str(error)) from None
        except Exception as error:
            if outages.is_outage(error):
                # Its transaction is gone, so the body has to run again; nobody failed.
                recording.settle(job, error, after_death=backend.after_death)
                raise Ignore(f"Job {job.id} runs again: the database was away.") from None
            if self.retry_policy.covers(error):
                raise self._next_try(job, error) from error
            raise
        except AttemptStopped:
            raise
        except BaseException as error:
            if compat.is_terminating():
                raise  # the worker stops, and gives the job back
            # Such as `sys.exit()` or a cancelled await. It would end the process, and be taken for a crash.
            raise LeftByBody(error=error) from error

    def _next_try(self, job: attempt.RunningJob, error: Exception) -> Exception:
        job.roll_back()
        wait = self.retry_policy.delay(attempt=job.attempt)
        if isinstance(error, RetryableError) and error.after is not None:
            wait = max(wait, error.after)
        return self.retry(exc=error, countdown=min(wait, HORIZON).total_seconds())

    def _run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        args = tuple(unseal(value) for value in args)
        kwargs = {name: unseal(value) for name, value in kwargs.items()}
        if self.arguments is not None:
            args, kwargs = self.arguments(args, kwargs)
        return coroutines.finished(self.run(*args, **kwargs))

    def apply_async(
        self, args: Any = None, kwargs: Any = None, *more: Any, key: str | None = None, **options: Any
    ) -> Any:
        """As Celery's; under one `key`, whoever sends and however often, there is one job."""
        if key is not None:
            options["key"] = key
        return super().apply_async(args, kwargs, *more, **options)

    def retry(
        self,
        args: Any = None,
        kwargs: Any = None,
        exc: Any = None,
        throw: bool = True,
        eta: Any = None,
        countdown: Any = None,
        max_retries: int | None = None,
        **options: Any,
    ) -> CeleryRetry:
        """As Celery's; a limit that this call brings along is the job's from now on."""
        job = attempt.current()
        if isinstance(exc, Exception):
            exc = harmless(exc)
        try:
            return super().retry(args, kwargs, exc, throw, eta, countdown, max_retries, **options)
        finally:
            if job is not None and job.moved is not None and max_retries is not None:
                job.moved = job.moved._replace(max_attempts=max_retries + 1)

    def replace(self, sig: Any) -> Any:
        """As Celery's, and the ledger knows that this job's id goes on in the replacement."""
        job = attempt.current()
        if job is not None:
            job.replaced = True
        return super().replace(sig)


def _context_of(request: Any) -> dict[str, Any]:
    return dict(request.get(CONTEXT_HEADER) or {})


def task(
    *,
    queue: Queue = Queue.DEFAULT,
    schedule: Schedule | None = None,
    public: bool = False,
    scope: str | None = None,
    sensitive: Collection[str] = (),
    durable: bool = True,
    retry: registry.Retry | None = None,
    priority: int = Priority.NORMAL,
    unique_for: timedelta | None = None,
    unique_while: While | None = None,
    rate_limit: str | None = None,
    concurrency: int | None = None,
    partition_by: str | None = None,
    search: Collection[str] = (),
    name: str | None = None,
    **celery_options: Any,
) -> Callable[[Callable[P, R]], JobTask]:
    """Make a function a task. Its name on the wire is `<package>.<function>` unless `name` says otherwise.

    `queue` and `priority` say where it waits; `schedule` when beat starts it; `public` that the API
    accepts it from clients; `scope` what a token needs for jobs of this task, in place of which it could ask
    the domain's own routes; `sensitive` names the arguments that are sealed; `retry` what happens after
    a failure. `durable=False` makes a non-durable task: no row in the ledger, so no result, no record, no
    recovery of what a crash takes. Who asks for the same again gets the job that there is:
    `unique_while="queued"` or `"running"` until it begins or ends, `unique_for` for so long after it was
    accepted. Over all workers, no more jobs begin than `rate_limit` says ("10/s", "600/m", "36000/h"), and no
    more than `concurrency` run at once; with `partition_by`, which names an argument, both hold for each of
    its values, and those take turns. What may not begin yet occupies no process. `search` names arguments by
    whose values jobs are found (`?key=order_id:123`). Further options are Celery's. The function may be
    `async def` (see `app.processes.coroutines`).
    """
    retry = retry or registry.Retry()

    def decorate(body: Callable[P, R]) -> JobTask:
        wire_name = name or f"{body.__module__.split('.')[-2]}.{body.__name__}"
        max_attempts = _max_attempts(retry, celery_options)
        parameters = _parameters(body, bound=bool(celery_options.get("bind")))
        spec = registry.TaskSpec(
            name=wire_name,
            body=body,
            queue=queue,
            priority=priority,
            schedule=schedule,
            public=public,
            scope=scope,
            sensitive=frozenset(sensitive),
            durable=durable,
            retry=retry,
            max_attempts=max_attempts,
            bound=bool(celery_options.get("bind")),
            unique=uniqueness.declared(
                task=wire_name, durable=durable, window=unique_for, while_=unique_while
            ),
            limits=admission.declared(
                task=wire_name,
                parameters=parameters,
                durable=durable,
                rate_limit=rate_limit,
                concurrency=concurrency,
                partition_by=partition_by,
            ),
            search=search_keys.declared(
                task=wire_name,
                parameters=parameters,
                durable=durable,
                sensitive=sensitive,
                names=search,
            ),
        )
        registry.declare(spec)
        options: dict[str, Any] = {
            "durable": durable,
            "retry_policy": retry,
            "arguments": _argument_adapter(spec),
            "max_retries": None if max_attempts is None else max_attempts - 1,
            "ignore_result": not durable,
            # A non-durable task has no ledger to repeat it when its process dies; Celery then sends it again.
            "retry_on_worker_lost": not durable,
        }
        make: Any = celery_app.task(name=wire_name, **(options | celery_options))
        made = make(body)
        assert isinstance(made, JobTask)  # noqa: S101 (narrows the type)
        return made

    return decorate


def _parameters(body: Callable[..., Any], *, bound: bool) -> list[inspect.Parameter]:
    return list(inspect.signature(body).parameters.values())[int(bound) :]


def _argument_adapter(spec: registry.TaskSpec) -> Any:
    """How the task's arguments get to its body where they do not go there as they are."""
    if spec.public:
        return staticmethod(spec.checked)
    return staticmethod(spec.placed) if spec.sensitive else None


def _max_attempts(retry: registry.Retry, celery_options: dict[str, Any]) -> int | None:
    retries = None if retry.max_attempts is None else retry.max_attempts - 1
    return attempts_allowed(
        max_retries=celery_options.get("max_retries", retries),
        retry_kwargs=celery_options.get("retry_kwargs") if celery_options.get("autoretry_for") else None,
        declared="max_retries" in celery_options,
    )
