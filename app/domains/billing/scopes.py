"""What a token may do in billing."""

from app.tokens.scope import declare_scope

READ = declare_scope(
    "billing:read", "See tenants, clients, billing rules, time entries and invoices.", is_personal=True
)
WRITE = declare_scope(
    "billing:write",
    "Change clients and billing rules, enter and approve time, make invoices, connect calendars.",
    is_personal=True,
)
