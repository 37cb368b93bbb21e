"""The passwords that are tried first, among those that are long enough or that become so when repeated.

A list of breached passwords (`GROUNDWORK_BREACHED_PASSWORDS`) holds millions more.
"""

from __future__ import annotations

#: In lower case. Many are shorter than a password may be: a repeated one is no better.
_WORDS = """
password passwort motdepasse contraseña пароль password1 password12 password123 passw0rd p@ssw0rd p@ssword
12345 123456 1234567 12345678 123456789 1234567890 0123456789 9876543210 0987654321 987654321 11223344
qwerty qwertz azerty qwerty123 qwertyuiop qwertzuiop azertyuiop asdfghjkl zxcvbnm йцукен
qwertyuiopasdfghjkl qwertyuiopasdfgh qwertyuiopasdfghjklzxcvbnm qwertzuiopasdfghjkl
1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y 1q2w3e4r5t6y7u8i 1q2w3e4r5t6y7u8i9o0p 1qaz2wsx 1qaz2wsx3edc
1qaz2wsx3edc4rfv 1qaz2wsx3edc4rfv5tgb zaq12wsx qazwsxedcrfvtgb qazwsxedcrfvtgbyhnujm
abcdef abcdefgh abcdefghij abcdefghijklmno abcdefghijklmnop abcdefghijklmnopqrstuvwxyz abc123 abcd1234
letmein welcome welcome1 welcome123 iloveyou sunshine princess football baseball superman batman dragon
monkey master shadow michael jordan trustno1 whatever starwars pokemon computer internet secret login
changeme change-me changeit default admin admin123 administrator root user guest test testing
groundwork thisismypassword this-is-my-password thisisapassword iamthepassword mypasswordispassword
passwordpassword1 passwordpassword123 administrator123 administrator1234 administratorpassword
correcthorsebatterystaple correct-horse-battery-staple thequickbrownfox
thequickbrownfoxjumpsoverthelazydog
123456789abcdef 0123456789abcdef 123456789qwerty 1234567890qwerty 1234567890qwertyuiop
"""
_PHRASES = {
    "correct horse battery staple",
    "the quick brown fox",
    "this is my password",
    "this is a password",
}
GUESSABLE = _PHRASES.union(_WORDS.split())
