"""Plaid's webhooks: verified, kept, and done what they call for."""
