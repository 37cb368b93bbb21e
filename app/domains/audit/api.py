"""HTTP routes of the audit logs."""

from fastapi import APIRouter

from app.domains.audit.writer import recording

router = APIRouter(prefix="/api/v1/audit", tags=["audit"], lifespan=recording)
