"""Tables of text on a terminal or in a pipe. Nothing is cut, and no word or interval is broken.

A pipe gets every column. A terminal that is too narrow leaves out the columns that the table names for that, in its
order. If that is not enough, the other columns are printed as blocks, each with the key columns. If not even one
column fits beside those, every row is printed as a list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from rich import box
from rich.cells import cell_len
from rich.console import Console, JustifyMethod
from rich.measure import Measurement
from rich.table import Table as RichTable
from rich.text import Text

from openrft.bench.text_table import TextTable
from openrft.cli.wrapping import wrap_line
from openrft.runtime.text import escape_terminal

_WIDEST = 10_000  # wider than any table, so that a table can be measured


def print_grid(grid: TextTable, console: Console, wide: bool = False) -> list[str]:
    """Print one table. Returns the columns that were left out because the terminal is too narrow. `wide`: none is."""
    if wide or not console.is_terminal:
        _print_whole(grid, console)
        return []
    left_out = []
    for name in grid.dropped_first:
        if _measure(grid) <= console.width:
            break
        kept = [n for n, column in enumerate(grid.columns) if column.removeprefix("<") != name]
        if len(kept) < len(grid.columns):
            left_out.append(name)
            grid = grid.with_columns(kept)
    first, *more = _split(grid, console.width)
    blocks = [first, *map(_without_empty_rows, more)]
    if all(_measure(block) <= console.width for block in blocks):
        for number, block in enumerate(blocks):
            _print_whole(block, console, titled=not number)
    else:
        _print_lists(grid, console)
    return left_out


def print_line(text: str, console: Console, style: str = "", wide: bool = False) -> None:
    """Print one line; on a terminal several, broken between words."""
    text = escape_terminal(text)
    for piece in [text] if wide or not console.is_terminal else wrap_line(text, console.width):
        console.print(Text(piece, style), soft_wrap=True)


def print_left_out(columns: Iterable[str], console: Console) -> None:
    """Say which columns the tables above lack, if any."""
    if names := ", ".join(dict.fromkeys(columns)):
        print_line(f"Left out, because the terminal has {console.width} columns: {names}. --wide shows all.", console)


def _split(grid: TextTable, width: int) -> Iterator[TextTable]:
    """The table in blocks of columns that fit, if one of them fits at all. Each has the key columns."""
    keys, block = list(range(grid.keys)), list[int]()
    for number in range(grid.keys, len(grid.columns)):
        if block and _measure(grid.with_columns([*keys, *block, number])) > width:
            yield grid.with_columns([*keys, *block])
            block = []
        block.append(number)
    yield grid.with_columns([*keys, *block])


def _without_empty_rows(grid: TextTable) -> TextTable:
    kept = [number for number, row in enumerate(grid.rows) if any(row[grid.keys :])]
    faint = frozenset(at for at, number in enumerate(kept) if number in grid.faint)
    return replace(grid, rows=tuple(grid.rows[number] for number in kept), faint=faint)


def _measure(grid: TextTable) -> int:
    """The cells that the table needs side by side."""
    console = Console(width=_WIDEST)
    return Measurement.get(console, console.options, _build(grid)).maximum


def _build(grid: TextTable) -> RichTable:
    table = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for column in grid.columns:
        side: JustifyMethod = "left" if column.startswith("<") else "right"
        table.add_column(Text(escape_terminal(column.removeprefix("<"))), justify=side, overflow="fold")
    for number, row in enumerate(grid.rows):
        table.add_row(*(Text(escape_terminal(cell)) for cell in row), style="dim" if number in grid.faint else None)
    return table


def _print_whole(grid: TextTable, console: Console, titled: bool = True) -> None:
    if titled:
        print_line(grid.title, console, "italic")
    before = console.width
    console.width = max(before, _measure(grid))  # in a pipe, or if every column is wanted
    console.print(_build(grid), soft_wrap=False, crop=False)
    console.width = before


def _print_lists(grid: TextTable, console: Console) -> None:
    """Each row as a list of its columns."""
    print_line(grid.title, console, "italic")
    names = [escape_terminal(column.removeprefix("<")) for column in grid.columns]
    side = max(map(cell_len, names[grid.keys :]), default=0)
    for row in grid.rows:
        console.print()
        print_line(", ".join(filter(None, row[: grid.keys])), console, "bold")
        for name, cell in zip(names[grid.keys :], row[grid.keys :], strict=True):
            if cell:
                print_line(f"  {name}{' ' * (side - cell_len(name))}  {cell}", console)
    console.print()
