"""What somebody may do with alerts."""

from app.tokens.scope import declare_scope

MUTE = declare_scope("alerts:mute", "Mute alerts for a while, and have them told again.")
