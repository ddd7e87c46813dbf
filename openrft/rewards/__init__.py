"""From rewards by source to one reward a rollout; how well process rewards tell right from wrong."""
