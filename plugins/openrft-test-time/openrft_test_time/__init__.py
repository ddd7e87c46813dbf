"""Better answers without training: votes over several completions, the best of them, and better instructions."""
