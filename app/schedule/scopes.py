"""What a token may do with schedules; to see them, `jobs:read` is enough."""

from app.tokens.scope import declare_scope

WRITE = declare_scope(
    "schedules:write", "Make, change and fire schedules of tasks whose own scope the token has, too."
)
