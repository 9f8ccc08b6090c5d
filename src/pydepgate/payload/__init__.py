"""Peels encoded payloads and says what is inside."""
