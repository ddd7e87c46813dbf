"""Checks before a run that find why it could not work: of data, policy, rewards, teacher and machine."""
