"""What a reader of T8's listed values could earn: right answers of each rule, by half of the task and of the split.

    python benchmarks/listed_values.py DIR

A rule takes the option whose first or last listed value is the lowest or the highest. The last lines say what a reader
without a fault would have on test by the rule that paid most in training: one for both halves, or one for each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import click

from openrft import DataRequest, Sample
from openrft.families import load_task

TASK = "sciknoweval/openrft/T8"
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
    said = ", ".join(" ".join(rule) for rule in each.values())
    click.echo(f"a rule for each half, {said}: {total} of {len(task.test)} on test")


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


if __name__ == "__main__":
    main()
