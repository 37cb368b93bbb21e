"""What becomes of the accounts of somebody who goes: their permissions are taken back."""
