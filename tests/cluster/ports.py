"""Ports for servers of this machine."""

from __future__ import annotations

import socket


def find_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
