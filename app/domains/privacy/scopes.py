"""What a token may do about the data of people."""

from app.tokens.scope import declare_scope

EXPORT = declare_scope("privacy:export", "Have all that is held about a person exported.", is_personal=True)
ERASE = declare_scope("privacy:erase", "Have what is held about a person erased.", is_personal=True)
