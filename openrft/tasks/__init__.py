"""Tasks: samples, prompts, and what leaks between splits."""
