"""What a token may do with users."""

from app.tokens.scope import declare_scope

READ = declare_scope("users:read", "See users.")
WRITE = declare_scope("users:write", "Register and change users.")
