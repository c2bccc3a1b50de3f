"""The state of a run: snapshots of it, whether two runs are the same, and whether its numbers are finite."""
