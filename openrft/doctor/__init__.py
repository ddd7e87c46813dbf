"""Checks that save a run that could not have worked: of the data, the policy, the rewards, the teacher, the machine."""
