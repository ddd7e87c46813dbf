"""What a reader of T8's listed values could earn: right answers of each rule, by half of the task and of the split.

    python benchmarks/listed_values.py DIR

A rule takes the option whose first or last listed value is the lowest or the highest. The last lines say what a reader
without a fault would have on test by the rule that paid most in training, one for both halves or one for each, and by a
conditional logit (McFadden 1974: softmax over the options of a linear score) of all that is listed, atoms and values,
fitted to the training questions, its L2 penalty chosen by five folds of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import click
import torch

from openrft import DataRequest, Sample
from openrft.plugins.task_registry import load_task

TASK = "sciknoweval/openrft/T8"
PENALTIES = (0.001, 0.003, 0.01, 0.03, 0.1)
FOLDS = 5
RULES = [(column, end) for column in ("first", "last") for end in ("lowest", "highest")]


@click.command()
@click.argument("data")
def main(data: str) -> None:
    """Count what each rule answers rightly."""
    task = load_task(TASK, DataRequest(data=data))
    halves = sorted({half(sample) for sample in task.train})
    click.echo(f"{'':34}" + "".join(f"{column} {end}".rjust(16) for column, end in RULES))
    for name in halves:
        for side, samples in (("train", task.train), ("test", task.test)):
            mine = [sample for sample in samples if half(sample) == name]
            found = "".join(f"{right(mine, *rule)} of {len(mine)}".rjust(16) for rule in RULES)
            click.echo(f"{name[:26]:27}{side:7}{found}")
    one = max(RULES, key=lambda rule: right(task.train, *rule))
    click.echo(f"one rule, {' '.join(one)}: {right(task.test, *one)} of {len(task.test)} on test")
    each = {name: max(RULES, key=lambda rule: right(of(task.train, name), *rule)) for name in halves}
    total = sum(right(of(task.test, name), *rule) for name, rule in each.items())
    notices = ", ".join(" ".join(rule) for rule in each.values())
    click.echo(f"a rule for each half, {notices}: {total} of {len(task.test)} on test")
    fits = {name: logit(of(task.train, name), of(task.test, name)) for name in halves}
    total = sum(found for found, _ in fits.values())
    notices = ", ".join(f"{name} {found} of {among}" for name, (found, among) in fits.items())
    click.echo(f"a logit for each half, {notices}: {total} of {len(task.test)} on test")


def half(sample: Sample) -> str:
    """Which properties are listed."""
    return (
        "density, ionisation"
        if "Ionization Potential" in sample.question.split("Given data")[-1]
        else "hull, formation"
    )


def of(samples: Iterable[Sample], name: str) -> list[Sample]:
    return [sample for sample in samples if half(sample) == name]


def right(samples: Iterable[Sample], column: str, end: str) -> int:
    return sum(chosen(sample, column, end) == sample.gold for sample in samples)


def chosen(sample: Sample, column: str, end: str) -> str | None:
    """The option of the rule; None where an option is not listed."""
    values = {option: listed(sample.question, option) for option in sample.options}
    if not all(values.values()):
        return None
    place = 0 if column == "first" else -1
    return (min if end == "lowest" else max)(values, key=lambda option: values[option][place])


def listed(question: str, name: str) -> list[float]:
    """The numbers behind the name, up to the next record."""
    _, found, rest = question.partition(f" {name},")
    record = rest.split("Material Composition")[0]
    return [float(number) for number in re.findall(r": *(-?\d+(?:\.\d+)?)", record)] if found else []


def logit(train: list[Sample], test: list[Sample]) -> tuple[int, int]:
    """Right answers on test, and how many questions that is of."""
    elements = sorted({element for s in train for option in s.options for element, _ in atoms(option)})
    x, y = table(train, elements)
    fold = torch.arange(len(x)) % FOLDS

    def held_out(penalty: float) -> int:
        return sum(hits(fit(x[fold != k], y[fold != k], penalty), x[fold == k], y[fold == k]) for k in range(FOLDS))

    weights = fit(x, y, max(PENALTIES, key=held_out))
    return hits(weights, *table(test, elements)), len(test)


def table(samples: list[Sample], elements: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """[questions, 4, features] and the gold options' places; a question without four options is left out: not right."""
    whole = [s for s in samples if len(s.options) == 4 and s.gold in s.options]
    return torch.stack([features(s, elements) for s in whole]), torch.tensor([s.options.index(s.gold) for s in whole])


def features(sample: Sample, elements: list[str]) -> torch.Tensor:
    """[4, elements + 2]: atoms in units of the eight on a site; values as standard scores within the question."""
    held = [dict(atoms(option)) for option in sample.options]
    counts = [[found.get(element, 0) / 8 for element in elements] for found in held]
    values = torch.tensor([(listed(sample.question, option) or [torch.nan] * 2) for option in sample.options])
    scores = ((values - values.mean(0)) / values.std(0).clamp(min=1e-6)).nan_to_num()  # not listed: no evidence
    return torch.cat([torch.tensor(counts), scores], 1)


def atoms(formula: str) -> list[tuple[str, int]]:
    return [(element, int(count or 1)) for element, count in re.findall(r"([A-Z][a-z]?)(\d*)", formula)]


def fit(x: torch.Tensor, y: torch.Tensor, penalty: float) -> torch.Tensor:
    weights = torch.zeros(x.shape[-1], requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=300, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = torch.nn.functional.cross_entropy(x @ weights, y) + penalty * weights.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    return weights.detach()


def hits(weights: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> int:
    return int(((x @ weights).argmax(1) == y).sum())


if __name__ == "__main__":
    main()
