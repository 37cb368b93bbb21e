"""From one release to another, and back again when that fails."""
