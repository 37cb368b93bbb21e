"""What a token or a person may do with deliveries, beside reading jobs."""

from app.tokens.scope import declare_scope

SETTLE = declare_scope("deliveries:settle", "Say what became of uncertain deliveries.")
