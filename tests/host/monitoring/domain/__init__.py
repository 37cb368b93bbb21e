"""The domain that only the rehearsal of the alerts puts on hosts."""
