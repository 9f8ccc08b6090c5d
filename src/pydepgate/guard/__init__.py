"""The installer gate: a local index that passes the real ones through and serves a file only when it was scanned."""
