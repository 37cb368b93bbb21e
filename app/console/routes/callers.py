"""Who may see and change jobs, as parameters of pages."""

from typing import Annotated

from fastapi import Depends

from app.jobs.scopes import READ, RETRY, WRITE
from app.tokens.callers import Caller, require
from app.tokens.owners import OPERATED

Reader = Annotated[Caller, Depends(require(READ, OPERATED))]
Writer = Annotated[Caller, Depends(require(WRITE, OPERATED))]
Retrier = Annotated[Caller, Depends(require(RETRY, OPERATED))]
