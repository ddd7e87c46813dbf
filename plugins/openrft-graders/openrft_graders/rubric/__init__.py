"""Rubrics: weighted criteria that a judge answers with yes or no, for answers that no rule can grade."""
