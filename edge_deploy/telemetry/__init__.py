"""Telemetry: the wire on the host's side, sessions with a board, recordings of what it reported."""
