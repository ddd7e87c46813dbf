"""Run the source of a python grader where it can neither reach the network, nor write files, nor outlive its time."""
