"""report.html: a report as one page that needs no network. Tables and plots are written here and need no script either;
the browser of questions and answers is page.js over packed data.

Every text goes through `escape_html`, and the packed data holds no character that HTML knows. The page's policy allows
its own style and script only, by their digests, so nothing else runs whatever an answer holds.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from openrft.bench.conclude import locate_run
from openrft.bench.conclusion import Conclusion
from openrft.bench.fitness_tables import build_fitness_notes, build_fitness_tables
from openrft.bench.page.answers import Data, collect_answers
from openrft.bench.page.plots import list_arms, plot_costs, plot_curves, plot_effects, plot_seconds
from openrft.bench.page.reward_plots import write_rewards
from openrft.bench.page.shorten import Packed, pack_into
from openrft.bench.page.training_plots import plot_training, read_training_logs, sum_seconds
from openrft.bench.render import build_legend, build_tables
from openrft.bench.report import Report
from openrft.bench.score_table import Summary
from openrft.bench.text_table import TextTable
from openrft.runtime.files import write_atomic
from openrft.runtime.text import escape_html

PAGE_FILE = "report.html"
LARGEST = 2_000_000  # bytes of a page; long answers are shortened for that
ROOM_BESIDE = 1_000  # bytes of them for what stands around the packed answers


@dataclass(frozen=True, slots=True)
class Page:
    """A page, and in a sentence which of its answers are shortened (empty: none)."""

    html: str
    shortened: str = ""


def write_page(report: Report, summary: Summary, folder: Path, whole: bool = False) -> str:
    """Write the page of the run in `folder` there. Returns in a sentence which answers are shortened (empty: none).
    Raises DataError for a damaged file of answers, StoreError on disk faults."""
    page = build_page(report, summary, folder, whole)
    write_atomic(folder / PAGE_FILE, page.html)
    return page.shortened


def build_page(report: Report, summary: Summary, folder: Path, whole: bool = False) -> Page:
    """The page. Answers and training logs are read from `folder`; without them their sections are left out. `whole`: no
    answer is shortened, however large the page becomes."""
    style, script = (files(__package__).joinpath(name).read_text("utf-8") for name in ("page.css", "page.js"))
    policy = (
        f"default-src 'none'; img-src data:; style-src {_digest(style)}; script-src {_digest(script)};"
        " base-uri 'none'; form-action 'none'"
    )
    answers = {**collect_answers(report, folder), "best": summary.conclusion.best}
    sections = [part for part in _build_sections(report, summary, answers, folder) if part[2]]
    links = "".join(f'<a href="#{name}">{escape_html(title)}</a>' for name, title, _ in sections)
    body = "".join(
        f'<section id="{name}"><h2>{escape_html(title)}</h2>{html}</section>' for name, title, html in sections
    )
    start = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">'
        f"<title>{escape_html(report.name)} - OpenRFT report</title><style>{style}</style></head>\n<body>"
        f'<header><h1>{escape_html(report.name)}</h1><p class="note">{escape_html(", ".join(summary.overall.tasks))}'
        f" &middot; {escape_html(report.created)}</p>{_write_conclusion(summary.conclusion)}</header>"
        f"<nav>{links}</nav><main>{body}</main>"
    )
    end = f"<script>{script}</script></body></html>\n"
    room = None if whole else LARGEST - len((start + end).encode()) - ROOM_BESIDE
    packed = pack_into(answers, room)
    shortened = describe_shortened(packed, report)
    note = f'<p class="note" id="shortened" hidden>{escape_html(shortened)}</p>' if shortened else ""
    data = f'{note}<script type="application/octet-stream" id="data">{packed.text}</script>'
    return Page(f"{start}{data}{end}", shortened)


def describe_shortened(packed: Packed, report: Report) -> str:
    """Which answers are not whole, and where they are."""
    if not packed.shortened:
        return ""
    whole = f" Those of {' and '.join(packed.whole)} with the first seed are whole." if packed.whole else ""
    command = f"openrft report {shlex.quote(locate_run(report))} --html --whole"
    return (
        f"Of {packed.shortened:,} of the {packed.answers:,} answers the page shows the beginning and the end, so that"
        f" it stays below 2 MB.{whole} rollouts/ has all in full, and so has the page of: {command}"
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _write_conclusion(conclusion: Conclusion) -> str:
    lines = conclusion.format_lines(escape_html, lambda command: f"<code>{escape_html(command)}</code>")
    items = "".join(f"<li>{line}</li>" for line in lines)
    return f'<ul class="conclusion">{items}</ul>'


def _build_sections(report: Report, summary: Summary, answers: Data, folder: Path) -> Iterator[tuple[str, str, str]]:
    """(anchor, title, HTML) of each section. One without HTML is left out."""
    arms = [row.arm for row in summary.overall.arms]
    logs = read_training_logs(report, folder)
    fitness = list(build_fitness_tables(report, True))
    first, *others = [table for table in build_tables(report, summary, per_task=True) if table not in fitness]
    yield "arms", "Arms", write_table(first, summary.conclusion.best) + _note(build_legend(summary, per_task=True))
    costs = "".join(plot_costs(summary.overall.arms))
    curves = "".join(plot_curves(summary.curves, arms))
    plots = plot_effects(summary.components) + costs + curves + plot_seconds(sum_seconds(report, logs))
    yield "worth", "Worth and cost", f"{list_arms(arms, arms)}<div class=plots>{plots}</div>" if plots else ""
    training = "".join(plot_training(logs, arms))
    how = _note("Each curve is a running mean over a tenth of the steps, and over the arm's seeds and tasks.")
    yield "training", "Training", f"{list_arms(arms, logs)}{how}<div class=plots>{training}</div>" if training else ""
    rewards = (
        "".join(map(write_table, fitness)) + _list(build_fitness_notes(report)) + write_rewards(answers["measured"])
    )
    yield "rewards", "Rewards", rewards
    yield (
        "answers",
        "Questions and answers",
        _BROWSER if answers["jobs"] else _note("There are no answers beside this report."),
    )
    yield "notes", "What to know before trusting this", _list(summary.notes)
    tables = "".join(f"<details><summary>{escape_html(t.title)}</summary>{write_table(t)}</details>" for t in others)
    yield "tables", "All tables", tables
    yield "again", "How to run it again", "".join(_write_rerun(report))


def _note(text: str) -> str:
    return f'<p class="note">{escape_html(text)}</p>'


def _list(lines: Iterable[str]) -> str:
    items = "".join(f"<li>{escape_html(line)}</li>" for line in lines)
    return f"<ul>{items}</ul>" if items else ""


def write_table(table: TextTable, strong: str | None = None) -> str:
    """A table as HTML. `strong`: the first cell of a row that is set in bold."""
    name = escape_html(table.title)
    sides = ["left" if column.startswith("<") else "right" for column in table.columns]
    heads = zip(sides, table.columns, strict=True)
    head = "".join(f'<th scope="col" class="{side}">{escape_html(c.removeprefix("<"))}</th>' for side, c in heads)
    rows = []
    for number, row in enumerate(table.rows):
        kind = "faint" if number in table.faint else "strong" if strong is not None and row[0] == strong else ""
        tags = ["th scope=row" if n == 0 else "td" for n in range(len(row))]
        cells = "".join(
            f'<{tag} class="{side}">{escape_html(cell)}</{tag[:2]}>'
            for tag, side, cell in zip(tags, sides, row, strict=True)
        )
        rows.append(f'<tr class="{kind}">{cells}</tr>')
    return (
        f'<p class="caption">{name}</p><div class="scroll" tabindex="0" role="region" aria-label="{name}"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _write_rerun(report: Report) -> Iterator[str]:
    yield f"<p><code>{escape_html(report.command)}</code></p>"
    plan = json.dumps(report.plan, indent=1, ensure_ascii=False)
    yield f"<details><summary>plan.json</summary><pre>{escape_html(plan)}</pre></details>"
    machine = ", ".join(f"{name}: {value}" for name, value in report.machine.items())
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    yield _note(f"Versions: {versions}. Machine: {machine}.")


_BROWSER = """<p class="note" id="waiting">The browser of answers needs JavaScript; rollouts/ has the same as text.</p>
<form id="filters" hidden>
<label>Arm <select id="first"></select></label>
<label>Against <select id="second"></select></label>
<label>Seed <select id="seed"></select></label>
<label>Show <select id="show">
<option value="">every question</option><option value="right">right</option><option value="wrong">not right</option>
<option value="unread">an answer unread</option><option value="unscored">not scored</option>
<option value="gained">gained: only the second is right</option>
<option value="lost">lost: only the first is right</option>
<option value="flipped">flipped between the two</option></select></label>
<label>Group <select id="bygroup"></select></label>
<label>Find <input id="find" type="search" placeholder="words of question or answer"></label>
</form>
<div id="browser" hidden><div><p id="count" class="note" role="status"></p><ol id="list" aria-label="Questions"></ol>
<button type="button" id="more">Show more</button></div><article id="item" tabindex="-1"></article></div>"""
