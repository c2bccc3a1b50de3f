"""What a run is at one moment, whether it is the same run, and whether its numbers are finite."""
