"""How rewards are combined into one per rollout, and how well process rewards tell right from wrong."""
