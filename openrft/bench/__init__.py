"""Many arms on many tasks with many seeds: plan, run, and report what each plugin was worth."""
