"""Plugins: the hooks, what is installed, the plugins of one job, and the tasks and policies that plugins provide."""
