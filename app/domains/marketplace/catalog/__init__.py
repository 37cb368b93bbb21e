"""The catalogue: models with their versions, media and pricing tiers."""
