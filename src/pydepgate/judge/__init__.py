"""Judging: signals and when they run, against the rules, give findings and a verdict."""
