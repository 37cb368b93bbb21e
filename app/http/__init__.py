"""HTTP without a domain: what surrounds every request, and how gunicorn serves it."""
