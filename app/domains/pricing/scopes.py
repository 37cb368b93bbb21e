"""What a token may do in pricing."""

from app.tokens.scope import declare_scope

READ = declare_scope("pricing:read", "See products, batches and prices.")
WRITE = declare_scope("pricing:write", "Recompute discounts.")
