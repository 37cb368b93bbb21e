"""What a token may do with users."""

from app.tokens.scope import declare_scope

READ = declare_scope("users:read", "See users.", is_personal=True)
OWN = declare_scope(
    "account:own", "See and end one's own sessions; for people who signed in.", is_personal=True
)
WRITE = declare_scope("users:write", "Register and change users.", is_personal=True)
