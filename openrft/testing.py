"""The kit for plugin authors: a toy task, a tiny real checkpoint, a scripted policy, and conformance checks.

from openrft.testing import check_plugin, toy_task

def test_conforms():
    check_plugin("my-plugin", {"my_option": "value"})
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

from openrft.config.parse import parse_options, raise_faults
from openrft.config.settings import ExploreSettings, Settings
from openrft.errors import PluginError
from openrft.plugins import registry
from openrft.plugins.errors import check_list, check_metrics
from openrft.plugins.hookspecs import Candidates, Diagnosis, PolicyInfo
from openrft.plugins.manager import PluginSet, load_plugin_providers
from openrft.plugins.registry import InstalledPlugin, LoadedEntryPoint, describe_slow_import, find_plugin
from openrft.plugins.task_registry import find_family, list_tasks, load_all_rows, load_task
from openrft.policies.base import Sampling
from openrft.rewards.probed_reward import describe_probed_reward
from openrft.rewards.reward_check import RewardCheck
from openrft.runtime.progress import NoProgress, Progress
from openrft.stages.augment import merge_augmented
from openrft.stages.choose import call_weigh_hook
from openrft.stages.context import StageStats
from openrft.stages.grade import call_grade_hooks, grade_by_rule
from openrft.stages.probe import collect_scores, pair_with_names, write_probes
from openrft.stages.retrieve import call_retrieve_hook
from openrft.stages.reward import BEFORE_RL, call_reward_hooks, combine_rewards
from openrft.stages.synthesize import verify_targets
from openrft.tasks.prompt import box_answer, build_messages
from openrft.tasks.task import DataRequest, PreparesStore, Task, hide_answer
from openrft.types import LETTERS, Completion, Demonstration, Message, Rollout, Sample, content_id, digest_samples

MIN_CHOICES = 20  # choice samples; with 4 options all of 20 have one letter by chance once in 4 ** 19 times

T = TypeVar("T")

CHAT_TEMPLATE = (
    "{% for m in messages %}{{ '<' + m['role'][0] + '>' + m['content'] }}"
    "{% if m['role'] == 'assistant' %}{{ eos_token }}{% else %}{{ '\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<a>' }}{% endif %}"
)


def toy_sample(a: int, b: int, seed: int = 0) -> Sample:
    """What is a + b, with four options whose order depends on the seed."""
    options = [str(a + b + d) for d in (0, 1, 2, 3)]
    random.Random(f"{a}+{b}/{seed}").shuffle(options)
    return Sample(f"What is {a} + {b}?", LETTERS[options.index(str(a + b))], tuple(options), task="toy/sums")


def toy_task(train: int = 8, test: int = 8) -> Task:
    """Sums of small numbers; train and test are disjoint."""
    pairs = [(a, b) for a in range(2, 40) for b in range(2, 40)]
    random.Random(0).shuffle(pairs)
    samples = [toy_sample(a, b) for a, b in pairs[: train + test]]
    return Task("toy/sums", tuple(samples[:train]), tuple(samples[train:]))


def write_tiny_checkpoint(folder: Path, seed: int = 0, chat_template: str | None = CHAT_TEMPLATE) -> Path:
    """Write a transformers checkpoint that has learnt nothing: a Llama of 40,000 random weights, a byte tokenizer.

    chat_template: another one, or None for a base model.
    """
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {symbol: i for i, symbol in enumerate(["<pad>", "<end>", *alphabet])}
    bytes_only = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    bytes_only.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_only.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bytes_only, pad_token="<pad>", eos_token="<end>")
    tokenizer.chat_template = chat_template
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=1,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


class ScriptedPolicy:
    """A policy whose answers come from a function: (messages, sample number) -> text."""

    def __init__(self, script: Callable[[Sequence[Message], int], str]) -> None:
        self.id = "scripted"
        self._script = script
        self.asked = 0  # prompts answered so far

    def generate(
        self, prompts: Sequence[Sequence[Message]], sampling: Sampling, progress: Progress | None = None
    ) -> list[list[Completion]]:
        """The script's answers. Tokens are the bytes of the text."""
        self.asked += len(prompts)
        return [
            [Completion(text, tuple(text.encode())) for text in (self._script(p, i) for i in range(sampling.n))]
            for p in prompts
        ]


def toy_rollouts(task: Task) -> list[Rollout]:
    """A right, a wrong, an unparsed and an empty completion for each training sample, graded."""
    rollouts = []
    for sample in task.train:
        wrong = next(letter for letter in LETTERS if letter != sample.answer)
        for text in (f"so\n{box_answer(sample.answer)}", f"so\n{box_answer(wrong)}", "so\nwell", ""):
            completion = Completion(text, tuple(text.encode()), (-1.0,) * len(text.encode()))
            messages = build_messages(sample, (), task.instruction)
            rollouts.append(Rollout(sample, messages, completion))
    return grade_by_rule(task, rollouts)


@contextmanager
def use_plugins(plugins: Mapping[str, type]) -> Iterator[None]:
    """In this context these classes count as installed plugins, in addition to the installed ones: {"my-plugin":
    MyPlugin}.

    In this process only: a bench with workers does not know them.
    """
    given = {n: InstalledPlugin(n, f"openrft-{n}", "1.0", "", LoadedEntryPoint(n, p)) for n, p in plugins.items()}
    known = {**registry.list_plugins(), **given}

    cached = (registry.load_plugin_class, registry.digest_plugin_source, load_plugin_providers)

    def forget() -> None:  # a plugin of the same name may have been used before
        for function in cached:
            function.cache_clear()

    with patch.object(registry, "list_plugins", lambda: known):
        forget()
        yield
    forget()


def build_options(options_class: type[T], values: Mapping[str, Any]) -> T:
    """An options object from values as a user types them: `build_options(Mine.Options, {"k": "3"})`.

    Raises UsageError that lists every fault.
    """
    found, faults = parse_options(options_class, "options", values)
    raise_faults(faults)
    assert found is not None
    return found


def check_plugin(
    name: str,
    options: Mapping[str, Any] | None = None,
    task: str | None = None,
    request: DataRequest | None = None,
) -> list[str]:
    """Load an installed plugin like a job, call its hooks on toy data, and check what they return.

    If the plugin provides tasks, `check_family` runs too, with `task` (by default the first one that it lists) and
    `request`. Returns the names of the hooks that were called; `train_step` is not, because it needs a policy, nor what
    these options switch off. Raises PluginError (or AssertionError) that says what is wrong. Warns of a slow import.
    """
    plugins, toys, called = PluginSet([name], {name: dict(options or {})}), toy_task(), []
    if slow := describe_slow_import(name):
        warnings.warn(f"{find_plugin(name)}: {slow}", stacklevel=2)
    rollouts, stats = toy_rollouts(toys), StageStats()
    policy = ScriptedPolicy(lambda messages, i: f"think\n{box_answer('ABCD'[i % 4])}")
    common: dict[str, Any] = {"task": toys, "policy": policy, "seed": 0, "progress": NoProgress()}
    for hook in plugins.declarations[name].hooks:
        if hook == "train_step" or name not in plugins.implementing(hook):
            continue
        called.append(hook)
        if hook == "check_job":
            for _, result in plugins.call_all(hook, settings=Settings(), task=toys, policy_spec=policy.id):
                check_list(name, hook, str, result.value)
        elif hook == "instruct":
            found = plugins.call_first(hook, sampling=Sampling(), grade_answers=partial(grade_by_rule, toys), **common)
            if found and not isinstance(found[1].value, str):
                raise PluginError(f"{find_plugin(name)} gave no text in instruct.")
        elif hook == "augment":
            merge_augmented(toys.train, plugins.call_all(hook, samples=toys.train, **common), stats)
        elif hook == "synthesize":
            found = plugins.call_first(hook, samples=toys.train, **common)
            if found:
                verify_targets(name, toys.train, found[1].value, toys)
        elif hook == "retrieve":
            pool = [Demonstration(s, box_answer(s.answer)) for s in toys.train]
            call_retrieve_hook(plugins, toys.train, pool, toys, stats)
        elif hook == "reward":
            call_reward_hooks(plugins, rollouts, toys, 0, 0, stats)
        elif hook == "weigh":
            drawn = [Candidates(hide_answer(r.sample), r.messages, (r.completion,) * 2) for r in rollouts]
            call_weigh_hook(plugins, drawn, toys, NoProgress(), stats)
        elif hook == "check_reward":
            for _, result in plugins.call_all(hook, rollouts=rollouts, task=toys, seed=0, progress=NoProgress()):
                check_list(name, hook, RewardCheck, [result.value])
        elif hook == "diagnose":
            for _, result in plugins.call_all(hook, rollouts=rollouts, settings=Settings(), **common):
                check_list(name, hook, Diagnosis, result.value)
        elif hook == "grade":
            waiting = [replace(rollout, correct=None, score=None) for rollout in rollouts]
            call_grade_hooks(plugins, waiting, toys, NoProgress(), stats)
        elif hook == "evaluate":
            for _, result in plugins.call_all(hook, rollouts=rollouts, task=toys):
                check_metrics(name, hook, result.value)
        elif hook == "tasks":
            request = request or DataRequest()
            check_family(name, task or _first_task(name, request), request)
        else:
            _check_policies(name, plugins)
    return called


def probe_plugin(name: str, options: Mapping[str, Any] | None = None, task: Task | None = None) -> list[str]:
    """What an installed plugin that grades or rewards pays without being right: one sentence each; empty if nothing.

    It is given made answers (empty, all options, very long and wrong, ...) to eight training questions of `task` (by
    default the toy task), as before every RL run. Tokens are the bytes of a text.
    """
    from openrft.rewards.probe_statistics import compute_probed_reward

    plugins, asked = PluginSet([name], {name: dict(options or {})}), replace(task or toy_task(), test=())
    names, written = write_probes(asked, asked.train[:8], 512, 0, lambda text: tuple(text.encode()))
    graded = call_grade_hooks(plugins, written, asked, NoProgress(), StageStats())
    given = call_reward_hooks(plugins, graded, asked, BEFORE_RL, 0, StageStats())
    scores = collect_scores(pair_with_names(names, combine_rewards(ExploreSettings(), graded, given)))
    found = (compute_probed_reward(source, "none", sorts) for source, sorts in scores.items())
    return [sentence for source in found for sentence in describe_probed_reward(source)]


def _check_policies(name: str, plugins: PluginSet) -> None:
    for _, result in plugins.call_all("policies"):
        for policy, info in dict(result.value).items():
            if policy.split("/")[0] != name:
                raise PluginError(f"{find_plugin(name)} names a policy {policy!r}.", f"Write {name} or {name}/...")
            if not isinstance(info, PolicyInfo):
                raise PluginError(f"{find_plugin(name)} gave a {type(info).__name__} in policies, not a PolicyInfo.")


def _first_task(name: str, request: DataRequest) -> str:
    present = [info.name for info in list_tasks(name, request.data) if not info.absent]
    if not present:
        raise PluginError(
            f"{find_plugin(name)} lists no task without data.", "Give check_plugin a DataRequest that says where it is."
        )
    return present[0]


def check_family(name: str, task: str, request: DataRequest, to: Path | None = None) -> Task:
    """Load a task of an installed family like a run, check the contract of `TaskFamily`, and return the task.

    `task` is its full name. If the family can prepare a store, the store is made in `to` and must give the same task.
    Raises PluginError (or what the family raises) that says what is wrong.
    """
    found = find_family(name)
    names = [info.name for info in list_tasks(name, request.data)]
    loaded = load_task(task, request)
    first = found.load(task, request)
    before = _digest(first)
    again = found.load(task, request)
    faults = {
        f"names tasks twice: {sorted({n for n in names if names.count(n) > 1})}": len(set(names)) < len(names),
        f"does not list {task}": task not in names,
        f"calls {task} {loaded.name}": loaded.name != task,
        "changes samples that it has given already": _digest(first) != before,
        "gives other samples for the same request": _digest(again) != before,
        "gives more samples than were asked for": len(again.train) > request.train or len(again.test) > request.test,
        "gives a sample twice": any(len({s.id for s in side}) < len(side) for side in (again.train, again.test)),
        'has keys in meta["leakage_groups"] that are not KIND:KEY': not all(
            ":" in key for s in (*again.train, *again.test) for key in s.meta.get("leakage_groups", ())
        ),
    }
    whole = load_all_rows(task, request)
    if whole is not None:
        missing = {s.id for s in (*again.train, *again.test)} - {s.id for s in (*whole.train, *whole.test)}
        faults["draws samples that are not in the whole task"] = bool(missing)
    if isinstance(found, PreparesStore) and to is not None:
        found.prepare(request.data, to, request.skip_bad_rows, NoProgress())
        faults["gives other samples from its store"] = (
            _digest(found.load(task, replace(request, data=str(to)))) != before
        )
    for fault, there in faults.items():
        if there:
            raise PluginError(f"{find_plugin(name)} {fault}.")
    _check_answers(name, loaded)
    _check_tools(name, loaded)
    return loaded


def _digest(task: Task) -> str:
    return content_id(task.instruction, digest_samples(task.train), digest_samples(task.test))


def _check_answers(name: str, task: Task) -> None:
    """Refuse gold answers that the grader does not accept, and choice samples that all have the same answer."""
    samples = [*task.train, *task.test]
    for sample in samples:
        if task.grade(sample, box_answer(sample.answer)).correct is False:
            raise PluginError(
                f"{find_plugin(name)} grades its own answer {sample.answer[:60]!r} to sample {sample.id} as wrong."
            )
    letters = [sample.answer for sample in samples if sample.kind == "choice"]
    if len(letters) >= MIN_CHOICES and len(set(letters)) == 1:
        raise PluginError(
            f"{find_plugin(name)} has the answer {letters[0]} in all {len(letters)} choice samples of {task.name}:"
            " a policy would learn the letter.",
            "Shuffle the options of each sample, keyed by the sample.",
        )


def _check_tools(name: str, task: Task) -> None:
    """Refuse a rewriter or step checker that breaks its contract in `Task`."""
    for sample in task.train[:8]:
        if task.rewrite is not None:
            texts = task.rewrite(sample, 2, 0)
            check_list(name, "rewrite", str, texts)
            if len(texts) > 2 or texts != task.rewrite(sample, 2, 0):
                raise PluginError(
                    f"{find_plugin(name)} rewords sample {sample.id} too often, or differently each time."
                )
        if task.check_steps is not None and len(task.check_steps(sample, ["a", "b"])) != 2:
            raise PluginError(f"{find_plugin(name)} does not check every step of sample {sample.id}.")
