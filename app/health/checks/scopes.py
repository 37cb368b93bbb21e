"""What a token may see of the service itself."""

from app.tokens.scope import declare_scope

# Not one that ends in ":read", which viewers have: it names hosts and what is wrong with them.
INSPECT = declare_scope("health:inspect", "See what the health check found.")
