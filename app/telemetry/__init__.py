"""Traces for a collector of OpenTelemetry, and errors for Sentry, where the settings name one.

Neither library is loaded without its setting. Nobody waits for either: what cannot be sent is dropped.
"""
