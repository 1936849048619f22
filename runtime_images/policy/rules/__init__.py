"""The rules of promotion and demotion, with their reasons."""
