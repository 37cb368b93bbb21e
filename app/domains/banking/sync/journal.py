"""What Plaid answered to a sync, so that it goes on where it was after it went back to wait for its turn.

A sync asks the same again in the same order, so it is answered from here first. Most syncs never wait: while
one runs, answers lie in an unnamed temporary file, and they become rows only when it goes back.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import delete, select

from app.db.sessions import reading
from app.domains.banking.models import PlaidAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

#: Stands among the operations where all pages were void, and were asked for anew.
RESTART = "restart"
#: zlib's quickest: a page is text that repeats itself.
COMPRESSION = 1


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """An answer that is no row yet, and where it lies in the file."""

    operation: str
    request: str
    start: int
    size: int


@dataclass(kw_only=True)
class Journal:
    """The answers of one sync; the file is gone when its `with` block ends."""

    item_id: int
    job_id: str
    #: The numbers of the rows that earlier attempts kept, by what was asked; read with the first question,
    #: when the sync has the item for itself.
    _rows: dict[str, int] | None = None
    #: Whether there are rows of a sync that had the item before.
    _has_others: bool = False
    _answers: list[_Answer] = field(default_factory=list)
    #: How often the sync began anew so far. What is asked for again is not the same any more.
    _restarts: int = 0

    def __enter__(self) -> Self:
        self._file = TemporaryFile(prefix="groundwork-answers-")
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()

    def answer_to(self, operation: str, request: Mapping[str, Any]) -> bytes | None:
        """What Plaid answered in an earlier attempt; None where it is to be asked."""
        number = self._known().get(self._digest(operation, request))
        if number is None:
            return None
        mine = (PlaidAnswer.item_id == self.item_id) & (PlaidAnswer.job_id == self.job_id)
        with reading() as session:
            content = session.scalar(select(PlaidAnswer.content).where(mine, PlaidAnswer.number == number))
        try:
            return None if content is None else zlib.decompress(content)
        except zlib.error:
            return None

    def knows(self, operation: str, request: Mapping[str, Any]) -> bool:
        """Whether an earlier attempt kept an answer to that."""
        return self._digest(operation, request) in self._known()

    def add(self, operation: str, request: Mapping[str, Any], answer: bytes) -> None:
        """Note an answer that could be read."""
        content = zlib.compress(answer, level=COMPRESSION)
        digest = self._digest(operation, request)
        start = self._file.tell()
        self._file.write(content)
        self._answers.append(_Answer(operation=operation, request=digest, start=start, size=len(content)))

    def restart(self, operation: str) -> None:
        """Forget what that operation answered, and remember that it was forgotten."""
        self._answers = [answer for answer in self._answers if answer.operation != operation]
        self.add(RESTART, {}, b"")
        self._restarts += 1

    def is_restarted(self) -> bool:
        """Whether an earlier attempt began anew here; this one has then, too."""
        restarted = self.answer_to(RESTART, {}) is not None
        self._restarts += restarted
        return restarted

    def keep(self, session: Session) -> None:
        """Write down what the next attempt is to know."""
        last = max(self._known().values(), default=0)
        if self._has_others:
            others = (PlaidAnswer.item_id == self.item_id) & (PlaidAnswer.job_id != self.job_id)
            session.execute(delete(PlaidAnswer).where(others))
        for number, answer in enumerate(self._answers, start=last + 1):
            self._file.seek(answer.start)
            session.add(
                PlaidAnswer(
                    item_id=self.item_id,
                    job_id=self.job_id,
                    number=number,
                    operation=answer.operation,
                    request=answer.request,
                    content=self._file.read(answer.size),
                )
            )
            session.flush()

    def clear(self, session: Session) -> None:
        """Forget all that was ever kept for the item."""
        if self._known() or self._has_others:
            session.execute(delete(PlaidAnswer).where(PlaidAnswer.item_id == self.item_id))

    def _known(self) -> Mapping[str, int]:
        if self._rows is None:
            columns = (PlaidAnswer.job_id, PlaidAnswer.number, PlaidAnswer.request)
            kept = select(*columns).where(PlaidAnswer.item_id == self.item_id).order_by(PlaidAnswer.number)
            with reading() as session:
                rows = session.execute(kept).all()
            self._rows = {row.request: row.number for row in rows if row.job_id == self.job_id}
            self._has_others = any(row.job_id != self.job_id for row in rows)
        return self._rows

    def _digest(self, operation: str, request: Mapping[str, Any]) -> str:
        asked = json.dumps([self._restarts, operation, request], sort_keys=True)
        return hashlib.sha256(asked.encode()).hexdigest()
