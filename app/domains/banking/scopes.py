"""What a token may do in banking."""

from app.tokens.scope import declare_scope

READ = declare_scope(
    "banking:read", "See households, accounts, transactions, bills and budgets.", is_personal=True
)
WRITE = declare_scope(
    "banking:write", "Change households, link banks, edit bills and budgets.", is_personal=True
)
