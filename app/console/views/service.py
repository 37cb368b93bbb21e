"""Saves views, renames and deletes them, and finds those that somebody sees. Nothing here commits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError

from app.console.views.errors import NameTaken, TooManyViews, UnusableName, ViewNotFound
from app.console.views.models import SavedView
from app.db.clock import now
from app.db.upsert import insert_or_update
from app.values.text import one_line

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

MAX_NAME = 60
MAX_OWN, MAX_SHARED = 30, 50


def name_of(typed: str) -> str:
    """A name as somebody typed it. Raises `UnusableName`."""
    if not typed.strip():
        raise UnusableName(problem="a name is missing")
    if len(typed.strip()) > MAX_NAME:
        raise UnusableName(problem=f"the name has {len(typed.strip()):,} characters, and may have {MAX_NAME}")
    try:
        return one_line(typed.strip())
    except ValueError as error:
        raise UnusableName(problem=f"of the name, {error}") from None


def seen_by(session: Session, user_id: int | None) -> list[SavedView]:
    """The views of that person, and those that are shared, by their names."""
    found = select(SavedView).where(or_(SavedView.user_id == user_id, SavedView.shared))
    return list(session.scalars(found.order_by(SavedView.name, SavedView.id)))


def save(
    session: Session, *, user_id: int, user_name: str, name: str, query: str, shared: bool
) -> SavedView | None:
    """Save a view; None where just that one is there. Raises `NameTaken` and `TooManyViews`."""
    if _is_there(session, user_id=user_id, name=name, query=query, shared=shared):
        return None
    _refuse_too_many(session, user_id, shared=shared)
    values = {"user_id": user_id, "user_name": user_name, "name": name, "query": query, "shared": shared}
    made = insert_or_update(session, SavedView).values(**values, saved_at=now(session))
    made_id = session.scalar(made.on_conflict_do_nothing().returning(SavedView.id))
    if made_id is not None:
        return session.get_one(SavedView, made_id)
    if not _is_there(session, user_id=user_id, name=name, query=query, shared=shared):
        raise NameTaken(name=name)
    return None


def rename(session: Session, view_id: int, *, user_id: int, name: str) -> str:
    """Give a view another name; the one it had. Raises `ViewNotFound` and `NameTaken`."""
    view = own(session, view_id, user_id=user_id)
    before = view.name
    try:
        with session.begin_nested():
            view.name = name
            session.flush()
    except IntegrityError:
        raise NameTaken(name=name) from None
    return before


def own(session: Session, view_id: int, *, user_id: int) -> SavedView:
    """A view of that person, which nobody else changes meanwhile. Raises `ViewNotFound`."""
    mine = select(SavedView).filter_by(id=view_id, user_id=user_id).with_for_update()
    view = session.scalar(mine)
    if view is None:
        raise ViewNotFound(view_id=view_id)
    return view


def _is_there(session: Session, *, user_id: int, name: str, query: str, shared: bool) -> bool:
    """Whether just that view is saved: the form came before."""
    same = select(SavedView.id).filter_by(user_id=user_id, name=name, query=query, shared=shared)
    return session.scalar(same) is not None


def _refuse_too_many(session: Session, user_id: int, *, shared: bool) -> None:
    number = select(func.count()).select_from(SavedView)
    if (session.scalar(number.where(SavedView.user_id == user_id)) or 0) >= MAX_OWN:
        raise TooManyViews(most=MAX_OWN, whose="a person has")
    if shared and (session.scalar(number.where(SavedView.shared)) or 0) >= MAX_SHARED:
        raise TooManyViews(most=MAX_SHARED, whose="all together share")
