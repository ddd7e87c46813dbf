"""Installed plugins are found by their metadata; nothing of them is imported."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from openrft.errors import UsageError
from openrft.plugins import registry


def test_listing_imports_no_plugin(run_python):
    code = (
        "import sys; from openrft.plugins.registry import list_plugins; print(*list_plugins());"
        "print([m for m in sys.modules if m.startswith(('openrft_', 'torch'))])"
    )
    names, modules = run_python(code).stdout.splitlines()
    assert {"toy", "brevity", "unimportable", "rl", "prm", "pocket"} <= set(names.split())
    assert modules == "[]"


def test_two_distributions_with_one_name_are_refused_when_it_is_used(monkeypatch):
    def entry(name, distribution):
        dist = SimpleNamespace(name=distribution, version="1.0", metadata={})  # without a summary, too
        return SimpleNamespace(name=name, dist=dist)

    twice = [entry("x", "one"), entry("x", "other"), entry("y", "one")]
    monkeypatch.setattr(registry, "entry_points", lambda group: twice)
    registry.list_plugins.cache_clear()
    try:
        assert registry.find_plugin("y").distribution == "one"
        with pytest.raises(UsageError, match="2 installed distributions call a plugin 'x': one and other"):
            registry.find_plugin("x")
    finally:
        registry.list_plugins.cache_clear()
