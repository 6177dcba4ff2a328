"""Bench: what a session reports, to statistics, a verdict of equality, and costs with origins."""
