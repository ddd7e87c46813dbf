"""A server that answers as its test scripts it."""

from tests.policies.scripted_server import server as server
