"""`check_family` lets a sound family pass and names what is wrong with another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from openrft.errors import PluginError
from openrft.tasks.task import DataRequest, Task, TaskInfo
from openrft.testing import check_family, toy_task


def test_pocket_conforms(tmp_path):
    task = check_family("pocket", "pocket/L3", DataRequest(train=16, test=8), tmp_path)
    assert (len(task.train), len(task.test)) == (16, 8)


class Family:
    """Sound, but for what a test changes."""

    family = "f"

    def __init__(self):
        self.loads = 0

    def names(self, data=None):
        return [TaskInfo("f/sums", "")]

    def load(self, name, request):
        self.loads += 1
        return replace(toy_task(request.train, request.test), name=name)

    def load_all(self, name, request):
        return replace(toy_task(100, 20), name=name)


class Twice(Family):
    def names(self, data=None):
        return [TaskInfo("f/sums", ""), TaskInfo("f/sums", "")]


class Unlisted(Family):
    def names(self, data=None):
        return []


class Fickle(Family):
    def load(self, name, request):
        task = super().load(name, request)
        return replace(task, train=task.train[self.loads % 2 :])


class Generous(Family):
    def load(self, name, request):
        return super().load(name, replace(request, train=request.train + 1))


class Incomplete(Family):
    def load_all(self, name, request):
        return Task(name, (), ())


class Misread(Family):
    def prepare(self, source, to, skip_bad_rows, progress):
        return {"rows": 0}

    def load(self, name, request):
        return super().load(name, replace(request, train=request.train - (request.data is not None)))


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (Family, None),
        (Twice, r"names tasks twice: \['f/sums'\]"),
        (Unlisted, "does not list f/sums"),
        (Fickle, "other samples for the same request"),
        (Generous, "more samples than were asked for"),
        (Incomplete, "not in the whole task"),
        (Misread, "other samples from its store"),
    ],
)
def test_faults_are_named(kind, word, monkeypatch, tmp_path):
    family = kind()
    monkeypatch.setattr("openrft.testing.find_family", lambda name: family)
    monkeypatch.setattr("openrft.testing.load_task", family.load)
    monkeypatch.setattr("openrft.testing.load_all_rows", family.load_all)
    monkeypatch.setattr("openrft.testing.find_plugin", lambda name: f"plugin {name}")
    if word is None:
        assert check_family("f", "f/sums", DataRequest(train=6, test=4), tmp_path).name == "f/sums"
        return
    with pytest.raises(PluginError, match=f"plugin f .*{word}"):
        check_family("f", "f/sums", DataRequest(train=6, test=4), tmp_path)
