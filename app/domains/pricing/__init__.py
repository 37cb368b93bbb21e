"""Pricing: products and their batches, cheaper as they near their expiry date."""
