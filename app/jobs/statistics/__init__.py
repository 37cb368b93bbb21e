"""What has ended, by time: counts, and how long it waited and ran."""
