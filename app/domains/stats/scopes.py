"""What a token may see of statistics."""

from app.tokens.scope import declare_scope

READ = declare_scope("stats:read", "See how much users do.", is_personal=True)
