"""Many arms on many tasks with many seeds: what to run, running it, and what it says of each plugin."""
