"""Configurations of promptfoo: their tests as rows, and their assertions as a grader."""
