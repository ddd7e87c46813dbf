"""The page's plots of a report's numbers: component effects, accuracy against cost, accuracy against drawn answers."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence

from openrft.bench.ablation import ESTIMANDS
from openrft.bench.conclude import read_sign
from openrft.bench.curves import CurvePoint
from openrft.bench.page.svg import (
    COLOURS,
    Scale,
    choose_ticks,
    draw_axes,
    draw_line,
    draw_path,
    draw_text,
    format_tick,
    wrap_figure,
)
from openrft.bench.score_table import ArmScore, Component
from openrft.bench.text_table import format_gain
from openrft.runtime.text import escape_html

WIDTH = 460
FILLS = 9  # colours of areas
RL_PHASES = {"seconds.rollout": "RL: answers", "seconds.reward": "RL: rewards", "seconds.train": "RL: training"}
RL_REST = "RL: the rest"
PIPELINE = ("augment", "synthesize", "imitate", "fitness", "probe", *RL_PHASES.values(), RL_REST, "explore", "evaluate")


def plot_effects(components: Sequence[Component]) -> str:
    """A forest plot: each effect of each plugin with its interval, and a line at zero. Empty without effects."""
    rows = [(c.plugin, ESTIMANDS[kind], gain) for c in components for kind, gain in c.gains.items()]
    if not rows:
        return ""
    low, high = min(0.0, *(g.low for *_, g in rows)), max(0.0, *(g.high for *_, g in rows))
    room = 4 * (high - low)  # points at either end
    x = Scale(100 * low - room, 100 * high + room, 150, WIDTH - 16)
    body, last, at = [], "", 16.0
    bottom = 16 + 24 * len(rows) + 8 * len({name for name, *_ in rows})
    for tick in choose_ticks(x.low, x.high):
        body.append(draw_line(x(tick), 8, x(tick), bottom, "grid"))
        body.append(draw_text(x(tick), bottom + 16, f"{tick:+g}" if tick else "0", "middle", "tick"))
    body.append(draw_line(x(0), 8, x(0), bottom, "axis"))
    for name, kind, gain in rows:
        if name != last:
            at += 8
            body.append(draw_text(0, at + 4, name if len(name) < 12 else f"{name[:11]}…", kind="strong"))
        sign = {1: "up", -1: "down", 0: "flat"}[read_sign(gain)]
        title = f"{name}, {kind}: {format_gain(gain.value, gain.low, gain.high)}"
        mark = f'<circle cx="{x(100 * gain.value):g}" cy="{at:g}" r="4.5" class="mark {sign}"/>'
        body.append(draw_text(142, at + 4, kind, "end", "tick"))
        body.append(
            f"<g><title>{escape_html(title)}</title>"
            f"{draw_line(x(100 * gain.low), at, x(100 * gain.high), at, f'range {sign}')}{mark}</g>"
        )
        last, at = name, at + 24
    body.append(draw_text(WIDTH - 16, bottom + 32, "points of accuracy", "end", "label"))
    note = "A filled mark leaves out 0: blue gains, orange loses. Bars are 95% intervals."
    return wrap_figure("What each plugin was worth", WIDTH, bottom + 40, "".join(body), note)


def plot_costs(rows: Sequence[ArmScore]) -> Iterator[str]:
    """Accuracy of each arm against seconds and against tokens. The numbers at the marks are those of `list_arms`."""
    shown = [(number, row) for number, row in enumerate(rows, 1) if row.accuracy]
    measures: tuple[tuple[str, Callable[[ArmScore], float]], ...] = (
        ("seconds", lambda row: row.seconds),
        ("tokens", lambda row: float(row.tokens)),
    )
    for name, measure in measures:
        values = [measure(row) for _, row in shown]
        if len(shown) < 2 or not max(values):
            continue
        tops = [row.accuracy.high for _, row in shown if row.accuracy]
        lows = [row.accuracy.low for _, row in shown if row.accuracy]
        x = Scale(0.0, 1.05 * max(values), 44, WIDTH - 16)
        y = Scale(max(0.0, 100 * min(lows) - 2), min(100.0, 100 * max(tops) + 2), 244, 20)
        axes = draw_axes(x, y, choose_ticks(0, x.high), choose_ticks(y.low, y.high), name)
        marks = "".join(_draw_arm(number, row, x(measure(row)), y) for number, row in shown)
        yield wrap_figure(f"Accuracy in % against {name}", WIDTH, 282, axes + marks)


def _draw_arm(number: int, row: ArmScore, x: float, y: Scale) -> str:
    assert row.accuracy is not None
    level = row.accuracy
    at, colour = y(100 * level.value), f"c{(number - 1) % COLOURS}"
    return (
        f"<g><title>{escape_html(f'{row.arm}: {100 * level.value:.1f}%')}</title>"
        f"{draw_line(x, y(100 * level.low), x, y(100 * level.high), f'line thin {colour}')}"
        f'<circle cx="{x:g}" cy="{at:g}" r="9" class="dot {colour}"/>'
        f"{draw_text(x, at + 4, str(number), 'middle', 'number')}</g>"
    )


def plot_curves(points: Sequence[CurvePoint], arms: Sequence[str]) -> Iterator[str]:
    """Accuracy against the tokens that a question takes, if k answers are drawn and put to the vote, or chosen well."""
    measures: tuple[tuple[str, Callable[[CurvePoint], float | None]], ...] = (
        ("by vote", lambda p: p.maj_at.value if p.maj_at else None),
        ("if the best of the answers were chosen", lambda p: p.pass_at.value),
    )
    for name, measure in measures:
        known = [(p, 100 * value) for p in points if p.tokens and (value := measure(p)) is not None]
        if not known:
            continue
        x = Scale(0, 1.05 * max(p.tokens for p, _ in known), 44, WIDTH - 16)
        y = Scale(min(v for _, v in known) - 1, max(v for _, v in known) + 1, 244, 20)
        body = draw_axes(x, y, choose_ticks(0, x.high), choose_ticks(y.low, y.high), "tokens a question")
        for arm in dict.fromkeys(p.arm for p, _ in known):
            own = [(p, v) for p, v in known if p.arm == arm]
            ks = ", ".join(f"{p.completions}: {v:.1f}%" for p, v in own)
            body += draw_path([(x(p.tokens), y(v)) for p, v in own], arms.index(arm), f"{arm}, answers drawn {ks}")
        yield wrap_figure(f"Accuracy in % {name}", WIDTH, 282, body)


def list_arms(arms: Sequence[str], shown: Container[str]) -> str:
    """The legend of plots: each of the `shown` arms with its number, colour and dash."""
    entries = "".join(
        f'<li><svg viewBox="0 0 34 18" aria-hidden="true">{draw_path([(0, 9), (34, 9)], n, arm)}'
        f'<circle cx="17" cy="9" r="8" class="dot c{n % COLOURS}"/>{draw_text(17, 13, str(n + 1), "middle", "number")}'
        f"</svg> {escape_html(arm)}</li>"
        for n, arm in enumerate(arms)
        if arm in shown
    )
    return f'<ul class="legend">{entries}</ul>'


def _find_place(phase: str) -> tuple[int, str]:
    """Phases in the order of the pipeline."""
    return (PIPELINE.index(phase) if phase in PIPELINE else len(PIPELINE), phase)


def plot_seconds(stages: Sequence[tuple[str, dict[str, float]]]) -> str:
    """What each arm spent its seconds on, as one bar an arm. `stages`: arm and its seconds by phase."""
    shown = [(arm, phases) for arm, phases in stages if sum(phases.values())]
    if not shown:
        return ""
    names = sorted({name for _, phases in shown for name in phases}, key=_find_place)
    x = Scale(0.0, max(sum(phases.values()) for _, phases in shown), 150, WIDTH - 16)
    bottom = 12 + 22 * len(shown)
    body = []
    for tick in choose_ticks(0, x.high, 4):
        body.append(draw_line(x(tick), 8, x(tick), bottom, "grid"))
        body.append(draw_text(x(tick), bottom + 15, format_tick(tick), "middle", "tick"))
    for n, (arm, phases) in enumerate(shown):
        start, at = 0.0, 12 + 22 * n
        body.append(draw_text(142, at + 12, arm if len(arm) < 21 else f"{arm[:20]}…", "end", "tick"))
        for name, seconds in sorted(phases.items(), key=lambda phase: _find_place(phase[0])):
            width = round(x(start + seconds) - x(start), 1)
            title = escape_html(f"{arm}, {name}: {seconds:,.1f} s")
            body.append(
                f'<rect x="{x(start):g}" y="{at:g}" width="{width:g}" height="16" class="fill'
                f' c{names.index(name) % FILLS}"><title>{title}</title></rect>'
            )
            start += seconds
    body.append(draw_text(WIDTH - 16, bottom + 32, "seconds", "end", "label"))
    keys = "".join(
        f'<li><span class="key c{n % FILLS}"></span>{escape_html(name)}</li>' for n, name in enumerate(names)
    )
    plot = wrap_figure("Seconds by phase", WIDTH, bottom + 40, "".join(body))
    return plot.replace("</figure>", f'<ul class="legend">{keys}</ul></figure>')
