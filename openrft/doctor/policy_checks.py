"""Checks of the policy: template and end token, prompt lengths, the form of its answers, and whether RL can learn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from openrft.doctor import thresholds as limits
from openrft.doctor.subject import Subject, accuracy, by_question, percent
from openrft.doctor.thresholds import diagnose, skip
from openrft.plugins.hookspecs import Diagnosis
from openrft.tasks.prompt import build_messages


def check_template(subject: Subject) -> Iterator[Diagnosis]:
    """Whether the chat template writes the question, begins the text once and ends an answer with its end token."""
    policy = subject.weights
    if policy is None:
        yield skip("template", "the policy has no tokenizer here: its server renders the prompts")
        return
    tokenizer, sample = policy.tokenizer, subject.train[0] if subject.train else subject.context.task.test[0]
    prompt = policy.encode(build_messages(sample, (), subject.context.task.instruction))
    faults = []
    begin = tokenizer.bos_token_id
    if begin is not None and prompt[:2] == [begin, begin]:
        faults.append("the prompt begins with two begin tokens")
    shown = str(tokenizer.decode(prompt))
    if "".join(sample.question.split()) not in "".join(shown.split()):
        faults.append("the prompt does not hold the whole question")
    target = policy.encode_target("so\n\\boxed{A}")
    if target[-1] != policy.end_token:
        faults.append("an answer to imitate does not end with the end token")
    ended = [r for r in subject.answers if r.completion.finish_reason == "stop"]
    if not ended:
        faults.append(f"none of {len(subject.answers)} completions ended by itself")
    end = tokenizer.decode([policy.end_token])
    has = "a chat template" if tokenizer.chat_template is not None else "no chat template (questions as plain text)"
    yield Diagnosis(
        "template",
        "stop" if faults else "ok" if tokenizer.chat_template is not None else "warn",
        "; ".join(faults) or f"{has}; {len(ended)} of {len(subject.answers)} completions ended with {end!r}",
        "Fix tokenizer_config.json and generation_config.json, or use an instruct model."
        if faults or tokenizer.chat_template is None
        else "",
        float(len(faults)),
        1.0,
    )


def check_prompts(subject: Subject) -> Iterator[Diagnosis]:
    """Whether every prompt leaves room for an answer."""
    policy, job = subject.weights, subject.context.job
    if policy is None:
        yield skip("prompts", "the policy's context is not known here")
        return
    task = subject.context.task
    lengths = [len(policy.encode(build_messages(s, (), task.instruction))) for s in (*task.train, *task.test)]
    longest, context = max(lengths), policy.context
    room = max(job.settings.explore.max_tokens, job.settings.evaluate.max_tokens)
    short = sum(length + room > context for length in lengths) / len(lengths)
    full = sum(length >= context for length in lengths) / len(lengths)
    found = diagnose(
        "prompts",
        short,
        replace_stop(limits.PROMPT_TOO_LONG),
        f"the longest prompt has {longest} tokens, and {percent(short)} leave less than {room} of {context}",
        "Lower explore.max_tokens and evaluate.max_tokens, shorten the questions, or take a longer context.",
    )
    over = diagnose(
        "prompts",
        full,
        limits.PROMPT_TOO_LONG,
        f"{percent(full)} of the prompts fill the context of {context} tokens by themselves (the longest: {longest})",
        "Shorten these questions or leave them out, or take a policy with a longer context.",
    )
    yield over if full else found


def replace_stop(found: limits.Limits) -> limits.Limits:
    """The same limits without the one that stops a run."""
    return replace(found, stop=None)


def check_form(subject: Subject) -> Iterator[Diagnosis]:
    """Whether the policy answers in the asked form. If not, RL has nothing to reward."""
    answers = subject.answers
    unread = sum(r.answer is None for r in answers) / max(1, len(answers))
    lenient = sum(r.answer is None and r.lenient_answer is not None for r in answers)
    more = f"; a careful reader finds an answer in {lenient} of the others" if lenient else ""
    if subject.imitates:  # which teaches the form
        mend = "Imitation comes first in this arm and may mend it: `openrft grade` shows how answers are read."
        replace_it = mend
    else:
        mend = "Imitate a teacher first (add sft), or set explore.reading=lenient."
        replace_it = "Add sft, or take another policy: `openrft grade` shows how answers are read."
    yield diagnose(
        "form",
        unread,
        replace_stop(limits.UNREADABLE) if subject.imitates else limits.UNREADABLE,
        f"{percent(unread)} of {len(answers)} completions have no answer in the asked form{more}",
        mend if lenient else replace_it,
    )


def check_truncation(subject: Subject) -> Iterator[Diagnosis]:
    """Whether completions are cut off at the largest length (`explore.max_tokens`)."""
    answers, longest = subject.answers, subject.context.job.settings.explore.max_tokens
    cut = sum(r.completion.finish_reason == "length" for r in answers) / max(1, len(answers))
    yield diagnose(
        "truncation",
        cut,
        limits.CUT_OFF,
        f"{percent(cut)} of {len(answers)} completions are cut off at explore.max_tokens={longest}",
        "Raise explore.max_tokens (and evaluate.max_tokens), or set policy.thinking_budget for a thinking model.",
    )


def check_ability(subject: Subject) -> Iterator[Diagnosis]:
    """Whether RL can learn: pass@k on training questions must be above none right and below all right."""
    if not any(r.correct is not None for r in subject.answers):
        yield skip("pass@k", "no answer could be graded: this task needs a grader")
        return
    k, groups = subject.k, by_question([r for r in subject.answers if r.correct is not None])
    never = sum(not any(r.correct for r in group) for group in groups.values()) / len(groups)
    always = sum(all(r.correct for r in group) for group in groups.values()) / len(groups)
    finding = (
        f"{percent(accuracy(subject.answers))} right; of {len(groups)} questions {percent(1 - never)} are right in one"
        f" of {k} completions, {percent(always)} in all"
    )
    first = "" if subject.imitates else "imitate a teacher first (add sft), or "
    hard = diagnose(
        "pass@k",
        never,
        replace_stop(limits.NEVER_RIGHT) if subject.imitates else limits.NEVER_RIGHT,
        finding,
        f"RL learns from right answers alone: {first}take easier questions or a larger policy.",
    )
    easy = diagnose(
        "pass@k", always, limits.ALWAYS_RIGHT, finding, "There is little left to learn: take harder questions."
    )
    yield hard if hard.verdict != "ok" else easy
