"""`check_family` and `check_plugin` let what is sound pass and name what is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

import openrft
from openrft.errors import PluginError
from openrft.grading.grade import Grade
from openrft.plugins.task_registry import load_task
from openrft.tasks.task import DataRequest, Task, TaskInfo
from openrft.testing import check_family, check_plugin, probe_plugin, toy_task, use_plugins


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


class Changing(Family):
    """Gives the same samples each time, and writes into their facts."""

    def __init__(self):
        super().__init__()
        self.facts = {}

    def load(self, name, request):
        task = super().load(name, request)
        self.facts["loads"] = self.loads
        return replace(task, train=tuple(replace(s, meta=self.facts) for s in task.train))


class AllB(Family):
    def load(self, name, request):
        task = super().load(name, request)
        train, test = (tuple(map(put_answer_second, side)) for side in (task.train, task.test))
        return replace(task, train=train, test=test)

    def load_all(self, name, request):
        return self.load(name, replace(request, train=100, test=20))


def put_answer_second(sample):
    others = [option for option in sample.options if option != sample.gold]
    return replace(sample, options=(others[0], sample.gold, *others[1:]), answer="B")


class Strict(Family):
    def load(self, name, request):
        return replace(super().load(name, request), grade=lambda sample, completion: Grade("A", False))


class Drifting(Family):
    def load(self, name, request):
        words = iter(range(1000))
        return replace(super().load(name, request), rewrite=lambda sample, n, seed: [f"wording {next(words)}"])


class Silent(Family):
    def load(self, name, request):
        return replace(super().load(name, request), rewrite=lambda sample, n, seed: [1, 2])


class Skipping(Family):
    def load(self, name, request):
        return replace(super().load(name, request), check_steps=lambda sample, steps: [True])


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
        (Changing, "changes samples that it has given already"),
        (AllB, "the answer B in all 24 choice samples"),
        (Strict, "grades its own answer '.' to sample .* as wrong"),
        (Drifting, "rewords sample .* differently each time"),
        (Silent, "gave a int in rewrite, in place of a str"),
        (Skipping, "does not check every step"),
    ],
)
def test_faults_are_named(kind, word, monkeypatch, tmp_path):
    family = kind()
    monkeypatch.setattr("openrft.testing.families.find_family", lambda name: family)
    monkeypatch.setattr("openrft.testing.families.list_tasks", lambda name, data: family.names(data))
    monkeypatch.setattr("openrft.testing.families.load_task", family.load)
    monkeypatch.setattr("openrft.testing.families.load_all_rows", family.load_all)
    monkeypatch.setattr("openrft.testing.families.find_plugin", lambda name: f"plugin {name}")
    monkeypatch.setattr("openrft.plugins.errors.find_plugin", lambda name: f"plugin {name}")
    request = DataRequest(train=16, test=8)
    if word is None:
        assert check_family("f", "f/sums", request, tmp_path).name == "f/sums"
        return
    with pytest.raises(PluginError, match=f"plugin f .*{word}"):
        check_family("f", "f/sums", request, tmp_path)


def test_the_kit_passes_a_good_plugin_and_fails_a_bad_one(run_python):
    code = """
from openrft.testing import check_plugin
print(check_plugin("brevity", {"limit": 10}))
try:
    check_plugin("miscounting")
except Exception as fault:
    print(fault)
"""
    good, bad = run_python(code).stdout.splitlines()
    assert good == "['reward', 'evaluate']"
    assert "'miscounting' (openrft-broken 6.6.6) gave 1 rewards for 32 rollouts" in bad


ODD = [
    ("augment", "number", "gave no list in augment"),
    ("augment", "numbers", "gave a int in augment, in place of a Sample"),
    ("synthesize", "numbers", "gave no list of rollouts in synthesize"),
    ("retrieve", "number", "gave no list of demonstrations"),
    ("retrieve", "rows", "gave a int in retrieve, in place of a Demonstration"),
    ("grade", "number", "gave no list in grade"),
    ("grade", "numbers", "gave a int in grade, in place of a Grade"),
    ("evaluate", "text", "gave metrics that are no numbers in evaluate"),
    ("reward", "nothing", "gave None in place of a list of rewards"),
    ("reward", "numbers", "int in place of a Reward"),
]


def test_the_kit_names_the_plugin_whatever_it_gives(run_python):
    code = f"""
from openrft.errors import PluginError
from openrft.testing import check_plugin
for hook, what, _ in {ODD!r}:
    try:
        print(check_plugin("odd", {{"hook": hook, "what": what}}))
    except PluginError as fault:
        print(fault)
"""
    notices = run_python(code).stdout.splitlines()
    assert len(notices) == len(ODD), notices
    for (*_, words), line in zip(ODD, notices, strict=True):
        assert "plugin 'odd' (openrft-broken 6.6.6)" in line
        assert words in line


def test_the_kit_warns_of_a_slow_import(run_python):
    code = """
import warnings
from openrft.testing import check_plugin
with warnings.catch_warnings(record=True) as caught:
    print(check_plugin("slow"))
print(caught[0].message)
"""
    hooks, message = run_python(code).stdout.splitlines()
    assert hooks == "['evaluate']"
    assert "'slow' (openrft-broken 6.6.6): its import takes 1." in message
    assert message.endswith("inside the hooks that need them.")


def test_the_kit_sends_a_family_through_its_checks(run_python):
    code = """
from openrft.errors import OpenRFTError
from openrft.testing import check_plugin
print(check_plugin("toy"), check_plugin("pocket"))
try:
    check_plugin("lost")
except OpenRFTError as fault:
    print(fault)
"""
    good, bad = run_python(code).stdout.splitlines()
    assert good == "['tasks'] ['tasks', 'policies']"
    assert "'lost' (openrft-broken 6.6.6) failed to load lost/rows: FileNotFoundError" in bad


class PaysLength:
    """Pays for text."""

    rewards = ("outcome",)

    @openrft.hookimpl
    def reward(self, rollouts):
        return [openrft.Reward("pays-length", "outcome", min(len(r.completion.tokens) / 2000, 1.0)) for r in rollouts]


class PaysTruth:
    """Pays what is right."""

    rewards = ("outcome",)

    @openrft.hookimpl
    def reward(self, rollouts):
        return [openrft.Reward("pays-truth", "outcome", float(bool(r.correct))) for r in rollouts]


def test_probes_tell_an_honest_reward_from_one_that_pays_without_being_right():
    with use_plugins({"pays-length": PaysLength, "pays-truth": PaysTruth}):
        assert probe_plugin("pays-truth") == []
        assert any("a very long answer that ends wrong" in sentence for sentence in probe_plugin("pays-length"))


def test_a_class_that_provides_tasks_counts_as_installed():
    class Lesson(Family):
        family = "lesson"
        words = ("first", "second")

        def names(self, data=None):
            return [TaskInfo("lesson/sums", "")]

        def load(self, name, request):
            return replace(super().load(name, request), instruction=self.words[0])

    class Provides:
        family = Lesson

        @openrft.hookimpl
        def tasks(self):
            return self.family()

    with use_plugins({"lesson": Provides}):
        assert check_plugin("lesson", request=DataRequest(train=16, test=8)) == ["tasks"]
        assert load_task("lesson/sums", DataRequest()).instruction == "first"
    Lesson.words = ("second",)
    with use_plugins({"lesson": Provides}):  # what was loaded of the class before is forgotten
        assert load_task("lesson/sums", DataRequest()).instruction == "second"
