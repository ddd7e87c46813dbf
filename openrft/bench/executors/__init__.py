"""Where the jobs of a bench run: here, on a Ray cluster, or under Slurm."""
