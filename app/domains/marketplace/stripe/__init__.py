"""Stripe's webhooks: verified, taken once each, and applied to orders."""
