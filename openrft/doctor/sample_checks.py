"""Checks of what plugins make of the training questions: reworded samples, and demonstrations in prompts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import fmean

from openrft.baselines.text import character_ngrams, jaccard_index
from openrft.doctor import thresholds as limits
from openrft.doctor.kept_words import find_lost
from openrft.doctor.subject import Subject, accuracy, by_question, percent
from openrft.doctor.thresholds import diagnose, skip
from openrft.plugins.hookspecs import Diagnosis
from openrft.runtime.seeds import derive_seed
from openrft.stages.augment import merge_augmented
from openrft.stages.context import StageStats
from openrft.stages.retrieve import build_demonstration_pool, call_retrieve_hook
from openrft.types import Rollout, Sample

SHOWN = 3  # lost words
LEAST = 20  # wrong answers from which copying is judged


def check_rewriting(subject: Subject) -> Iterator[Diagnosis]:
    """Whether new samples keep what their answer depends on, and whether the policy answers them as before."""
    context = subject.context
    if not context.plugins.implementing("augment"):
        yield skip("rewriting", "no plugin of this arm makes new samples")
        return
    parents = {sample.id: sample for sample in subject.asked[: max(1, subject.questions // 2)]}
    few = list(parents.values())
    made = context.plugins.call_all(
        "augment",
        samples=few,
        task=replace(context.training_task, train=tuple(few)),
        policy=subject.policy,
        seed=derive_seed(context.job.seed, "doctor", "augment"),
        progress=context.progress,
    )
    new = [sample for sample in merge_augmented(few, made, StageStats()) if sample.parent]
    if not new:
        yield Diagnosis(
            "rewriting",
            "warn",
            f"no new sample was made of {len(few)} questions",
            "Leave the plugin out, or give it a model that can reword (`openrft plugins show da`).",
            0.0,
            1.0,
        )
        return
    roots = {sample.root_id: sample for sample in few}
    reworded = [sample for sample in new if sample.question != roots[sample.root_id].question]
    lost = [found for sample in reworded if (found := find_lost(roots[sample.root_id].question, sample.question))]
    words = ", ".join(dict.fromkeys(word for found in lost for word in found[:SHOWN]))[:60]
    kept = f"; of {len(reworded)} reworded ones {len(lost)} lose or change something"
    yield diagnose(
        "rewriting",
        len(lost) / max(1, len(reworded)),
        limits.CHANGED,
        f"{len(new)} new samples of {len(few)} questions" + (kept if reworded else "; none is reworded"),
        f"Their answers are no longer known ({words}): use a stronger model, or fewer rewordings.",
    )
    yield _compare_answers(subject, few, new)


def _compare_answers(subject: Subject, few: Sequence[Sample], new: Sequence[Sample]) -> Diagnosis:
    groups = by_question(subject.answers)
    before = [r for sample in few for r in groups.get(sample.id, ())]
    one_each = list({sample.root_id: sample for sample in new}.values())
    after = subject.answer(one_each, [()] * len(one_each), subject.k)
    if not any(r.correct is not None for r in (*before, *after)):
        return skip("rewriting answers", "no answer could be graded")
    return diagnose(
        "rewriting answers",
        max(0.0, accuracy(before) - accuracy(after)),
        limits.REWORDING_LOSS,
        f"the policy is right in {percent(accuracy(before))} of its answers to the originals, in"
        f" {percent(accuracy(after))} to the new samples",
        "The new samples may have other answers than their originals: read some, or leave the plugin out.",
    )


def check_demonstrations(subject: Subject) -> Iterator[Diagnosis]:
    """Whether demonstrations help, how alike they are, and whether the policy copies their answers.

    Each question is answered with demonstrations from all the other training questions.
    """
    context = subject.context
    if not context.plugins.implementing("retrieve"):
        yield skip("demonstrations", "no plugin of this arm shows demonstrations")
        return
    traces = [r for r in subject.targets if r.correct is not False]
    pool = build_demonstration_pool(subject.train, traces)
    shown = call_retrieve_hook(context.plugins, subject.asked, pool, context.training_task, StageStats())
    answers = subject.answer(subject.asked, shown, subject.k)
    alike = [
        jaccard_index(character_ngrams(sample.question), character_ngrams(one.sample.question))
        for sample, own in zip(subject.asked, shown, strict=True)
        for one in own
    ]
    if not alike or not any(r.correct is not None for r in answers):
        yield skip("demonstrations", "none was found for these questions, or no answer could be graded")
        return
    with_some, without = accuracy(answers), accuracy(subject.answers)
    yield diagnose(
        "demonstrations",
        max(0.0, without - with_some),
        limits.DEMONSTRATION_LOSS,
        f"{percent(with_some)} right with demonstrations, {percent(without)} without; similarity {fmean(alike):.2f}",
        "They cost accuracy: leave icl out, or try another icl.num_demonstrations or demonstration_content=trace.",
    )
    yield _check_copying(answers, {d.sample.id: d.sample.answer for own in shown for d in own})


def _check_copying(answers: Sequence[Rollout], golds: dict[str, str]) -> Diagnosis:
    """Of wrong answers to choices: how many are the letter of a demonstration, beyond chance."""
    wrong = [r for r in answers if r.correct is False and r.answer is not None and r.sample.kind == "choice"]
    if len(wrong) < LEAST:
        return skip("copying", f"{len(wrong)} wrong letters are too few to tell")
    copied, expected = 0, 0.0
    for rollout in wrong:
        letters = {golds[one] for one in rollout.demonstration_ids}
        others = max(1, len(rollout.sample.options) - 1)  # letters that are wrong
        copied += rollout.answer in letters
        expected += len(letters - {rollout.sample.answer}) / others
    share, chance = copied / len(wrong), expected / len(wrong)
    return diagnose(
        "copying",
        max(0.0, share - chance),
        limits.COPIED,
        f"{percent(share)} of {len(wrong)} wrong answers are the letter of a demonstration (chance: {percent(chance)})",
        "The policy copies: show traces (demonstration_content=trace), shuffle the options, or leave icl out.",
    )
