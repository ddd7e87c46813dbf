"""The page's histograms of rewards, before RL and in some of its steps. Their bars lead to the answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from openrft.bench.page.answers import BARS, TOTAL, Data, count_bars
from openrft.bench.page.plots import WIDTH
from openrft.bench.page.svg import Scale, choose_ticks, draw_axes, wrap_figure
from openrft.runtime.text import escape_html


def write_rewards(measured: Sequence[Data]) -> str:
    """The histograms of every measurement (`collect_answers`), and the place for the answers of a bar. Empty without
    any."""
    numbered = list(enumerate(measured))
    before = [
        _plot_histogram(number, one, source, f"{source} (f = {one['sources'][source]}) {one['title']}")
        for number, one in numbered
        if "step" not in one
        for source in one["sources"]
    ]
    during = "".join(_write_jobs([(number, one) for number, one in numbered if "step" in one]))
    if not before and not during:
        return ""
    words = "The bars of a histogram lead to their answers, each beside the other answers to its question."
    parts = [f'<h3>Before RL</h3><div class="plots">{"".join(before)}</div>'] if before else []
    parts += [f"<h3>During RL</h3>{during}"] if during else []
    return f'{"".join(parts)}<p class="note">{words}</p><div id="group" aria-live="polite"></div>'


def _write_jobs(steps: Sequence[tuple[int, Data]]) -> Iterator[str]:
    """The kept steps of each job, which open at a click: a row of histograms for each source."""
    for job in dict.fromkeys(one["title"] for _, one in steps):
        own = [(number, one) for number, one in steps if one["title"] == job]
        numbers = ", ".join(str(one["step"]) for _, one in own)
        plots = "".join(
            _plot_histogram(number, one, source, f"{source}, step {one['step']}")
            for source in own[0][1]["sources"]
            for number, one in own
        )
        kind = "steps" if len(own) > 1 else "step"
        yield (
            f"<details><summary>{escape_html(f'{job}: {kind} {numbers}')}</summary>"
            f'{_note_left_out([one for _, one in own])}<div class="plots">{plots}</div></details>'
        )


def _note_left_out(steps: Sequence[Data]) -> str:
    """A line where the page has no room for every kept question of a job's steps."""
    shown, all_of_them = (sum(one[name] for one in steps) for name in ("shown", "kept"))
    if shown == all_of_them:
        return ""
    words = f"{shown} of the {all_of_them} kept groups of answers are here, so that the page stays small"
    return f'<p class="note">{words}; steps/ has all of them.</p>'


def _plot_histogram(number: int, measurement: Data, source: str, title: str) -> str:
    """Right and other answers by what they earned, side by side."""
    letter = TOTAL if source == TOTAL else "f"
    name = "reward R" if source == TOTAL else "process score f"
    bars = count_bars(measurement, source)
    x = Scale(0, 1, 44, WIDTH - 16)
    y = Scale(0, max(1, *(n for pair in bars for n in pair)), 184, 14)
    body = draw_axes(x, y, [n / 5 for n in range(6)], choose_ticks(0, y.high, 4), name)
    for at, pair in enumerate(bars):
        if not any(pair):  # nothing to draw, and no answers to lead to
            continue
        left, right = x(at / BARS), x((at + 1) / BARS)
        half = (right - left - 4) / 2
        words = f"{letter} from {at / BARS:g} to {(at + 1) / BARS:g}: {pair[0]} right, {pair[1]} other answers"
        drawn = "".join(
            f'<rect x="{left + 2 + side * half:g}" y="{y(n):g}" width="{half - 1:g}" height="{y.start - y(n):g}"'
            f' class="fill {kind}"/>'
            for side, (n, kind) in enumerate(zip(pair, ("up", "down"), strict=True))
            if n
        )
        target = f'<rect x="{left:g}" y="{y.end:g}" width="{right - left:g}" height="{y.start - y.end:g}" class="hit"/>'
        link = f"#measured={number}&amp;bar={at}&amp;source={escape_html(source)}"
        body += f'<a href="{link}"><title>{escape_html(words)}</title>{target}{drawn}</a>'
    return wrap_figure(title, WIDTH, 222, body, "Blue: right answers. Orange: other answers.")
