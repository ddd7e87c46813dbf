"""The kit for plugin authors: a toy task, a tiny real checkpoint, a scripted policy, and conformance checks.

from openrft.testing import check_plugin, toy_task

def test_conforms():
    check_plugin("my-plugin", {"my_option": "value"})
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from openrft.errors import PluginError
from openrft.grading.grade import Grade, apply_grade
from openrft.plugins.errors import check_list, check_metrics
from openrft.plugins.manager import PluginSet
from openrft.plugins.registry import find_plugin
from openrft.plugins.task_registry import find_family, load_all_rows, load_task
from openrft.policies.base import Sampling
from openrft.runtime.progress import NoProgress, Progress
from openrft.stages.augment import merge_augmented
from openrft.stages.context import StageStats
from openrft.stages.retrieve import call_retrieve_hook
from openrft.stages.reward import call_reward_hooks
from openrft.stages.synthesize import verify_targets
from openrft.tasks.prompt import box_answer, build_messages
from openrft.tasks.task import DataRequest, Preparable, Task
from openrft.types import LETTERS, Completion, Demonstration, Message, Rollout, Sample

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


def write_tiny_checkpoint(folder: Path, seed: int = 0) -> Path:
    """A real transformers checkpoint that knows nothing: a Llama of 40,000 random weights, a tokenizer of bytes."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {symbol: i for i, symbol in enumerate(["<pad>", "<end>", *alphabet])}
    bytes_only = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    bytes_only.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_only.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bytes_only, pad_token="<pad>", eos_token="<end>")
    tokenizer.chat_template = CHAT_TEMPLATE
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
    """A policy that answers what a function tells it to: (messages, sample number) -> text."""

    def __init__(self, script: Callable[[Sequence[Message], int], str]) -> None:
        self.id = "scripted"
        self._script = script
        self.asked = 0  # prompts answered so far

    def generate(
        self, prompts: Sequence[Sequence[Message]], sampling: Sampling, progress: Progress | None = None
    ) -> list[list[Completion]]:
        """As the script says; tokens are the text's bytes."""
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
            rollouts.append(apply_grade(Rollout(sample, messages, completion), task.grade(sample, text)))
    return rollouts


def check_plugin(name: str, options: Mapping[str, Any] | None = None) -> list[str]:
    """Load an installed plugin as a job would, call each data hook it has on toy data, and check what it returns.

    Returns the names of the hooks that were called. Raises PluginError (or AssertionError) naming what is wrong.
    `train_step`, `tasks` and `policies` are not called: they need a policy or rows.
    """
    plugins, task, called = PluginSet([name], {name: dict(options or {})}), toy_task(), []
    rollouts = toy_rollouts(task)
    policy = ScriptedPolicy(lambda messages, i: f"think\n{box_answer('ABCD'[i % 4])}")
    common = {"task": task, "policy": policy, "seed": 0, "progress": NoProgress()}
    for hook in ("augment", "synthesize", "retrieve", "reward", "judge", "evaluate"):
        if name not in plugins.implementing(hook):
            continue
        called.append(hook)
        if hook == "augment":
            merge_augmented(task.train, plugins.call_all(hook, samples=task.train, **common), StageStats())
        elif hook == "synthesize":
            found = plugins.call_first(hook, samples=task.train, **common)
            if found:
                verify_targets(name, task.train, found[1], task)
        elif hook == "retrieve":
            pool = [Demonstration(s, box_answer(s.answer)) for s in task.train]
            call_retrieve_hook(plugins, task.train, pool, task)
        elif hook == "reward":
            call_reward_hooks(plugins, rollouts, task, step=0, seed=0)
        elif hook == "judge":
            _check_judge(name, plugins, task, rollouts)
        else:
            for _, metrics in plugins.call_all(hook, rollouts=rollouts, task=task):
                check_metrics(name, hook, metrics)
    return called


def _check_judge(name: str, plugins: PluginSet, task: Task, rollouts: Sequence[Rollout]) -> None:
    waiting = [replace(rollout, correct=None) for rollout in rollouts]
    found = plugins.call_first("judge", rollouts=waiting, task=task, progress=NoProgress())
    if found and len(check_list(name, "judge", Grade, found[1])) != len(waiting):
        raise PluginError(f"{find_plugin(name)} judged {len(found[1])} of {len(waiting)} answers.")


def check_family(name: str, task: str, request: DataRequest, to: Path | None = None) -> Task:
    """Load a task of an installed family as a run would, and check what a family promises; returns the task.

    `task` is its whole name. If the family can prepare a store, it is made in `to` and must give the same task.
    Raises PluginError (or what the family raises) naming what is wrong.
    """
    found = find_family(name)
    names = [info.name for info in found.names(request.data)]
    loaded = load_task(task, request)
    again = found.load(task, request)
    faults = {
        f"names tasks twice: {sorted({n for n in names if names.count(n) > 1})}": len(set(names)) < len(names),
        f"does not list {task}": task not in names,
        f"calls {task} {loaded.name}": loaded.name != task,
        "gives other samples for the same request": not _same_samples(again, found.load(task, request)),
        "gives more samples than were asked for": len(again.train) > request.train or len(again.test) > request.test,
        "gives a sample twice": any(len({s.id for s in side}) < len(side) for side in (again.train, again.test)),
        'has marks in meta["leakage_groups"] that are no KIND:KEY': not all(
            ":" in m for s in again.train for m in _kin(s)
        ),
    }
    whole = load_all_rows(task, request)
    if whole is not None:
        missing = {s.id for s in (*again.train, *again.test)} - {s.id for s in (*whole.train, *whole.test)}
        faults["draws samples that are not in the whole task"] = bool(missing)
    if isinstance(found, Preparable) and to is not None:
        found.prepare(request.data, to, request.skip_bad_rows, NoProgress())
        stored = found.load(task, replace(request, data=str(to)))
        faults["gives other samples from its store"] = not _same_samples(again, stored)
    for fault, there in faults.items():
        if there:
            raise PluginError(f"{find_plugin(name)} {fault}.")
    return loaded


def _same_samples(one: Task, other: Task) -> bool:
    return one.train == other.train and one.test == other.test and one.instruction == other.instruction


def _kin(sample: Sample) -> Sequence[str]:
    marks: Sequence[str] = sample.meta.get("leakage_groups", ())
    return marks
