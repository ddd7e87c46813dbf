"""A study as files: study.html with its plot, study.md and study.json."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from pathlib import Path

from openrft.bench.markdown import format_table
from openrft.bench.page.document import write_table
from openrft.bench.page.svg import (
    COLOURS,
    Scale,
    choose_ticks,
    draw_axes,
    draw_line,
    draw_path,
    draw_text,
    style_series,
    wrap_figure,
)
from openrft.config.documents import dump_document
from openrft.runtime.files import write_atomic
from openrft.runtime.text import escape_html, escape_markdown, format_code
from openrft.studies.result import LEGEND, StudyResult, StudyRow, build_table, name_row

WIDTH, HEIGHT = 520, 320


def write_study(result: StudyResult, folder: Path) -> None:
    """Write the three files. Raises StoreError on disk faults."""
    folder.mkdir(parents=True, exist_ok=True)
    write_atomic(folder / "study.json", json.dumps(dump_document(result), indent=1, ensure_ascii=False) + "\n")
    write_atomic(folder / "study.md", format_study(result))
    write_atomic(folder / "study.html", build_study_page(result, folder.name))


def format_study(result: StudyResult) -> str:
    """study.md."""
    lines = [f"# {escape_markdown(result.study)}: {escape_markdown(result.question)}", format_code(result.command)]
    lines += ["\n".join(f"- {escape_markdown(line)}" for line in result.answer)]
    return "\n\n".join([*lines, format_table(build_table(result)), LEGEND]) + "\n"


def build_study_page(result: StudyResult, name: str) -> str:
    """study.html: self-contained, without any script. `name`: of its folder, for links to the benches' own pages."""
    style = files("openrft.bench.page").joinpath("page.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    answer = "".join(f"<li>{escape_html(line)}</li>" for line in result.answer)
    links = "".join(f'<li><a href="{_link(run, name)}">{escape_html(run)}</a></li>' for run in result.runs)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">'
        f"<title>{escape_html(result.study)} - OpenRFT study</title><style>{style}</style></head>\n<body>"
        f"<header><h1>{escape_html(result.study)}</h1><p>{escape_html(result.question)}</p>"
        f'<ul class="conclusion">{answer}</ul></header><main>'
        f"<section><h2>Accuracy</h2>{plot_study(result)}</section>"
        f"<section><h2>Numbers</h2>{write_table(build_table(result))}"
        f'<p class="note">{escape_html(LEGEND)}</p></section>'
        f"<section><h2>The benches behind it</h2><ul>{links}</ul><p>Run again:</p>"
        f"<pre>{escape_html(result.command)}</pre></section></main></body></html>\n"
    )


def _link(run: str, name: str) -> str:
    return escape_html("report.html" if run == name else f"../{run}/report.html")


def plot_study(result: StudyResult) -> str:
    """Accuracy with its interval at each level of the first axis, a line for each level of the second, and a dotted
    line for each arm beside them. Empty without a score."""
    shown = [row for row in result.rows if row.accuracy]
    beside = [row for row in result.beside if row.accuracy]
    bounds = [bound for row in (*shown, *beside) if row.accuracy for bound in (row.accuracy.low, row.accuracy.high)]
    if not shown:
        return ""
    places = list(dict.fromkeys(row.labels[0] for row in result.rows))
    series = list(dict.fromkeys(row.labels[1:] for row in result.rows))
    x = Scale(-0.5, len(places) - 0.5, 44, WIDTH - 16)
    y = Scale(max(0.0, 100 * min(bounds) - 2), min(100.0, 100 * max(bounds) + 2), HEIGHT - 50, 16)
    body = [draw_axes(x, y, [], choose_ticks(y.low, y.high), result.axes[0])]
    body += [draw_text(x(n), y.start + 17, place, "middle", "tick") for n, place in enumerate(places)]
    for row in beside:
        assert row.accuracy is not None
        at = y(100 * row.accuracy.value)
        body += [draw_line(x.start, at, x.end, at, "axis d2"), draw_text(x.end, at - 4, row.arm, "end", "label")]
    for number, labels in enumerate(series):
        own = [row for row in shown if row.labels[1:] == labels]
        apart = (number - (len(series) - 1) / 2) * 0.12  # so that bars of one place can be told apart
        points = [(x(places.index(row.labels[0]) + apart), row) for row in own]
        body.append(
            draw_path([(at, y(_percent(row))) for at, row in points], number, ", ".join(labels) or result.study)
        )
        body += [_draw_mark(result, row, at, y, number) for at, row in points]
    keys = "".join(
        f'<li><svg viewBox="0 0 34 18" aria-hidden="true">{draw_path([(0, 9), (34, 9)], n, "")}</svg>'
        f" {escape_html(f'{result.axes[1]} {labels[0]}')}</li>"
        for n, labels in enumerate(series)
        if labels
    )
    plot = wrap_figure(f"Accuracy in % by {' and '.join(result.axes)}", WIDTH, HEIGHT, "".join(body))
    return plot.replace("</figure>", f'<ul class="legend">{keys}</ul></figure>') if keys else plot


def _percent(row: StudyRow) -> float:
    return 100 * row.accuracy.value if row.accuracy else 0.0


def _draw_mark(result: StudyResult, row: StudyRow, x: float, y: Scale, series: int) -> str:
    assert row.accuracy is not None
    title = escape_html(f"{name_row(result, row)}: {100 * row.accuracy.value:.1f}%")
    bar = draw_line(x, y(100 * row.accuracy.low), x, y(100 * row.accuracy.high), f"{style_series(series)} thin")
    dot = f'<circle cx="{x:g}" cy="{y(_percent(row)):g}" r="4.5" class="dot c{series % COLOURS}"/>'
    return f"<g><title>{title}</title>{bar}{dot}</g>"
