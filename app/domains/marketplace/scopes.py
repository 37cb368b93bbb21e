"""What a token may do in the marketplace."""

from app.tokens.scope import declare_scope

READ_CATALOG = declare_scope("catalog:read", "See models, their versions and prices.")
WRITE_CATALOG = declare_scope("catalog:write", "Publish models, their versions and prices.")
READ = declare_scope("orders:read", "See orders and licences.", is_personal=True)
WRITE = declare_scope("orders:write", "Order, and cancel orders.", is_personal=True)
#: Not among what all who sign in may read: it says what is earned.
VIEW_USAGE = declare_scope("usage:view", "See how often models are viewed, downloaded and bought.")
WRITE_USAGE = declare_scope("usage:write", "Tell of views, downloads and purchases of models.")
#: Money is noted by whoever operates the service, and never by who owes it.
SETTLE = declare_scope("orders:settle", "Note payments and refunds of orders, and revoke licences.")
#: Not for viewers, who have each scope that ends in `read`.
REPORTS = declare_scope("sales:report", "See and download reports of sales, and have them made.")
