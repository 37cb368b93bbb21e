"""What a token may do with mail."""

from app.tokens.scope import declare_scope

SEND = declare_scope(
    "mail:send", "Send mail to any address, and see what was sent by jobs.", is_personal=True
)
