"""Lines that fit a terminal: broken between words, and never inside a number with its interval."""

from __future__ import annotations

import re

# Spaces and what stays together: "+3.4 [-0.2, +7.0]", or a word.
_PIECE = re.compile(r"\s*(?:[-+\d.,%]+ \[[-+\d.,% ]+\]\S*|\[[-+\d.,% ]+\]\S*|\S+)")


def wrap_line(text: str, width: int) -> list[str]:
    """The line as several of at most `width` cells, unless a word alone is longer. Continued lines are indented like
    the first."""
    from rich.cells import cell_len  # not at module level: `--help` prints no such line

    if cell_len(text) <= width:
        return [text]
    indent = text[: len(text) - len(text.lstrip())]
    lines, line = [], ""
    for piece in _PIECE.findall(text):
        if line and cell_len(line + piece) > width:
            lines.append(line)
            line = indent + piece.lstrip()
        else:
            line += piece
    return [*lines, line]


def cut_line(text: str, width: int) -> str:
    """As many whole words as there is room for, and an ellipsis if that is not all; nothing if no word fits."""
    from rich.cells import cell_len

    if cell_len(text) <= width:
        return text
    line = wrap_line(text, max(width - 2, 1))[0]
    return f"{line} …" if cell_len(line) <= width - 2 else ""
