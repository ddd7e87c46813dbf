"""Better answers without training: votes over several completions, and the best of them."""
