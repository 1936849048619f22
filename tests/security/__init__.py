"""What strangers may not do: each test is a promise of docs/security.md."""
