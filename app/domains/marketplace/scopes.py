"""What a token may do in the marketplace."""

from app.tokens.scope import declare_scope

READ_CATALOG = declare_scope("catalog:read", "See models, their versions and prices.")
WRITE_CATALOG = declare_scope("catalog:write", "Publish models, their versions and prices.")
READ = declare_scope("orders:read", "See orders and licences.", is_personal=True)
WRITE = declare_scope("orders:write", "Order, and cancel orders.", is_personal=True)
#: Money is noted by whoever operates the service, and never by who owes it.
SETTLE = declare_scope("orders:settle", "Note payments and refunds of orders, and revoke licences.")
