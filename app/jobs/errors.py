"""What can go wrong with a job, each as one sentence with its remedy."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from app.errors import Conflict, GroundworkError, InvalidInput, NotFound
from app.values.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

#: Of a value that is refused, so many characters are repeated.
MAX_SHOWN = 80


class RetryableError(GroundworkError):
    """Raised by a task for a failure that may pass: the job runs again after a while.

    `after` is how long the other side asked for; the pause of the task's policy is stretched to it.
    """

    code = "retryable"

    def __init__(self, sentence: str, *, after: timedelta | None = None) -> None:
        super().__init__(sentence)
        self.after = after


class PermanentError(GroundworkError):
    """Raised by a task for a failure that no repetition mends: the job is dead at once."""

    code = "permanent"


class AttemptStopped(BaseException):
    """Raised in the thread of a job that is to stop: it was cancelled, or its worker ends.

    A body may clean up and has to let it pass: the job is not its worker's any more.
    """

    def __init__(self) -> None:
        super().__init__("The attempt was stopped: its job was cancelled, or its worker ends.")


class ArgumentsTooLarge(InvalidInput):
    """Raised at the producer: large data goes by reference, not through the ledger and the broker."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "arguments_too_large"

    def __init__(self, *, task: str, size: int, limit: int) -> None:
        super().__init__(
            f"The arguments of {task} take {size} bytes as JSON; at most {limit} are accepted. "
            "Store the data and pass its id or path."
        )


class ArgumentsNotJson(InvalidInput):
    """Raised at the producer for an argument that JSON cannot carry."""

    code = "arguments_not_json"

    def __init__(self, *, task: str, problem: str) -> None:
        super().__init__(f"The arguments of {task} are not JSON: {problem}. Pass plain values or ids.")


class NotJson(GroundworkError):
    """Raised in a worker for a value of a body that the ledger cannot keep."""

    code = "not_json"

    def __init__(self, *, what: str, problem: str) -> None:
        super().__init__(
            f"{what} is not JSON: {problem}. Use plain values (text, numbers, lists, objects with text as "
            "keys), and None or text in place of NaN and infinity."
        )


class InvalidOption(InvalidInput):
    """Raised at the producer for an option that nothing can be done with, before there is a row."""

    code = "invalid_option"

    def __init__(self, *, task: str, option: str, value: object, wanted: str) -> None:
        super().__init__(f"{task} cannot be sent with {option}={shown(value)}: {wanted}.")


def shown(value: object) -> str:
    """A value as Python writes it, cut to what fits into a sentence."""
    try:
        written = repr(value)
    except Exception:  # of the value's own class, or of a number with thousands of digits
        return f"a {type(value).__name__}"
    if len(written) > MAX_SHOWN:
        written = f"{written[:MAX_SHOWN]}..."
    return written.encode(errors="backslashreplace").decode()


class NotYourTurn(GroundworkError):
    """Raised in a job that calls what is limited: it goes back until it is its turn, which is no failure."""

    code = "not_your_turn"

    def __init__(self, *, partition: str) -> None:
        super().__init__(f'The job waits for its turn in "{partition}".')
        self.partition = partition


class LeftByBody(GroundworkError):
    """Raised in a worker in place of what would end the process, and not the job alone."""

    code = "left_by_body"

    def __init__(self, *, error: BaseException) -> None:
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        super().__init__(
            f"The task raised {said}, which is meant to end a program. Return, or raise another exception."
        )


class BrokenTransaction(GroundworkError):
    """Raised in a worker for a body that went on after an error that had ended its transaction."""

    code = "broken_transaction"

    def __init__(self, *, sql_error: str | None) -> None:
        super().__init__(
            f"The task went on after an SQL error in its session ({sql_error or 'unknown'}), so nothing it "
            "did there could be committed. Let the error propagate, or run a statement that may fail in: "
            "with job_session().begin_nested()"
        )


class ReadOnlyTransaction(GroundworkError):
    """Raised in a worker for a body that made the transaction read-only in which its end is to be written."""

    code = "read_only_transaction"

    def __init__(self, *, sql_error: str) -> None:
        super().__init__(
            f"The task's transaction takes no writes ({sql_error}), although the database does: the end of "
            "the job is written in it. Make another session read-only, not job_session()."
        )


class EndNotWritten(GroundworkError):
    """Raised in a worker, with its cause, when a body ended well and its end could not be written."""

    code = "end_not_written"

    def __init__(self, *, cause: str) -> None:
        super().__init__(
            f"{cause} (This came after the task had returned, while its result was stored and what follows "
            "it was accepted; what it did in the database is rolled back.)"
        )


class HeadersNotJson(InvalidInput):
    """Raised at the producer for a message header that JSON cannot carry."""

    code = "headers_not_json"

    def __init__(self, *, task: str, problem: str) -> None:
        super().__init__(f"The headers of {task} are not JSON: {problem}. Set plain values.")


class UnknownTask(NotFound):
    """Raised for a task name that no domain declares."""

    code = "unknown_task"

    def __init__(self, *, name: str, known: Iterable[str]) -> None:
        hint = did_you_mean(name, known, otherwise="`groundwork tasks` lists them.")
        super().__init__(f'There is no task "{name}". {hint}')


class NoPublicTask(NotFound):
    """Raised for the path of a function that is no public task's."""

    code = "no_public_task"

    def __init__(self, *, path: str, nearest: str | None) -> None:
        hint = f'The nearest is "{nearest}".' if nearest else "`groundwork tasks` lists them."
        super().__init__(f"By {shown(path)} no public task is meant. {hint}")


class UnknownQueue(InvalidInput):
    """Raised for a queue that is not in the topology: nothing would ever drain it."""

    code = "unknown_queue"

    def __init__(self, *, queue: object, task: str, known: Iterable[str]) -> None:
        named = f'"{queue}"' if isinstance(queue, str) and len(queue) <= MAX_SHOWN else shown(queue)
        super().__init__(
            f"{task} names the queue {named}, which no pool drains. The drained queues are: "
            f"{', '.join(sorted(known))}; add it to app/topology.py or name one of them."
        )


class LeaseLost(Conflict):
    """Raised in a worker whose job was given to another or cancelled: its effects are rolled back."""

    code = "lease_lost"

    def __init__(self, *, job_id: str) -> None:
        super().__init__(
            f"Job {job_id} is no longer this worker's: its lease expired or it was cancelled. "
            "What this attempt did in the database is rolled back."
        )


class NoJobRunning(GroundworkError):
    """Raised when something that needs a running job is called outside of one."""

    code = "no_job_running"

    def __init__(self, *, what: str) -> None:
        super().__init__(
            f"{what} works only while a worker runs a durable job. Outside, open "
            "`app.db.sessions.transaction()` and call the service directly."
        )


class WrongKey(GroundworkError):
    """Raised when sealed arguments cannot be opened."""

    code = "wrong_key"

    def __init__(self) -> None:
        super().__init__(
            "The sealed arguments of this job cannot be opened with GROUNDWORK_SECRET_KEY or one of "
            "GROUNDWORK_OTHER_SECRET_KEYS. Give every host the same keys, among them the one the job was "
            "accepted with, and retry the job."
        )


class UnboundParameter(ValueError):
    """Raised at import for a parameter whose arguments have no names, where they are needed."""

    def __init__(self, *, task: str, parameter: str) -> None:
        super().__init__(
            f"{task} takes *{parameter}, but where a task is public or seals arguments, they come by "
            f"name. Take a list instead: {parameter}: list[...]."
        )


class UnusableUniqueness(ValueError):
    """Raised at import for a task whose jobs cannot be unique in the way that it declares."""

    def __init__(self, *, task: str, problem: str) -> None:
        super().__init__(
            f"{task} {problem}. Declare unique_for=timedelta(...) or unique_while='queued' or 'running'."
        )


class UnusableLimit(ValueError):
    """Raised at import for a task whose jobs cannot be limited in the way that it declares."""

    def __init__(self, *, task: str, problem: str) -> None:
        super().__init__(f"{task} {problem}.")


class UnusableSearch(ValueError):
    """Raised at import for a task whose jobs cannot be found by what it declares."""

    def __init__(self, *, task: str, problem: str) -> None:
        super().__init__(f"{task} {problem}.")


class UnknownSensitive(ValueError):
    """Raised at import for a sensitive argument that the task does not take: nothing would be sealed."""

    def __init__(self, *, task: str, parameter: str, known: Iterable[str]) -> None:
        super().__init__(
            f'{task} says that "{parameter}" is sensitive, but takes: {", ".join(known) or "nothing"}. '
            "Name one of these."
        )


class UnreadableAnnotations(InvalidInput):
    """Raised for a public task whose arguments cannot be checked."""

    code = "unreadable_annotations"

    def __init__(self, *, task: str, problem: str) -> None:
        super().__init__(
            f"The arguments of {task} cannot be checked, because its annotations cannot be read: {problem}. "
            "Import what they name where it exists at run time, and use types that pydantic knows."
        )


class NotCommittedYet(Conflict):
    """Raised where a job waits for one that cannot run before itself has committed."""

    code = "not_committed_yet"

    def __init__(self, *, job_id: str) -> None:
        super().__init__(
            f"Job {job_id} belongs to a transaction that is not committed, so waiting for it never ends. "
            "Commit first (in a job: checkpoint()), or let a chain or chord do what follows."
        )


class JobIdReused(Conflict):
    """Raised when an id comes again for another job: the first one's answer is not for this question."""

    code = "job_id_reused"

    def __init__(self, *, job_id: str, task: str) -> None:
        super().__init__(
            f"The task_id {job_id} belongs to a job of {task} with other arguments. Leave task_id out, or "
            "send what was sent then."
        )
