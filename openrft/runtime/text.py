"""Show text from outside (names of arms, tasks, columns and files, questions, messages of servers) as plain text.

A terminal must not obey it and a Markdown page must not render it. Text is kept unchanged until it is shown: these
functions are called where lines are printed and pages are written.
"""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata

from openrft.errors import UsageError

LONGEST_NAME = 100  # bytes of a name that users give to an arm or a run
LONGEST_FILE_NAME = 200  # bytes; file systems take 255, and endings come after it

# Invisible and harmless: they join or separate letters in some scripts.
_JOINERS = "\u200c\u200d"
# Markdown's markup: code, emphasis, columns, the start of a tag or entity, the end of a link's text, and a backslash
# before punctuation. A bracket or angle bracket alone has no meaning and stays, as in intervals and p values.
_MARKUP = re.compile(r"[`*|]|~~|^[#>]|<(?=[A-Za-z/!?])|&(?=[#\w])|\](?=[(\[:])|\\(?=[!-/:-@\[-`{-~]|$)|\b_|_\b")


def escape_terminal(text: str, keep_newlines: bool = False) -> str:
    r"""The text with escapes such as `\x1b` for characters that a terminal would obey or could not show.

    Those are control characters including line ends, marks that change the direction of writing, and lone surrogates.
    Text that has been escaped is not changed again.
    """
    if text.isprintable():
        return text
    return "".join(_escape(char) if char != "\n" or not keep_newlines else char for char in text)


def _escape(char: str) -> str:
    if char.isprintable() or char in _JOINERS or unicodedata.category(char) == "Zs":
        return char
    return char.encode("unicode_escape").decode("ascii")


def replace_lone_surrogates(text: str) -> str:
    """The text with U+FFFD for each half of a surrogate pair, which no page and few readers of JSON can hold."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def check_name(text: str, option: str) -> str:
    """The name, if files can be called by it and tables can show it. Raises UsageError, naming the option."""
    shown = repr(text) if len(text) <= 60 else f"{text[:60]!r}... ({len(text)} characters)"
    if not text.strip():
        raise UsageError(f"{option} {shown}: a name cannot be empty.")
    if "/" in text or "\\" in text:
        raise UsageError(f"{option} {shown}: a name cannot hold a slash.", "Write the name without it.")
    if not text.isprintable():
        raise UsageError(f"{option} {shown}: a name cannot hold line ends or control characters.")
    if len(text.encode()) > LONGEST_NAME:
        raise UsageError(f"{option} {shown} is too long for a name.", f"Use at most {LONGEST_NAME} characters.")
    return text


def make_file_name(text: str) -> str:
    """The text as the name of a file or folder: without slashes, and cut where it is too long, with a digest."""
    name = escape_terminal(text.replace("/", "-"))
    if len(name.encode()) <= LONGEST_FILE_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return name.encode()[: LONGEST_FILE_NAME - 17].decode(errors="ignore") + f"-{digest}"


def escape_markdown(text: str) -> str:
    """The text on one line, escaped so that a Markdown page, heading or table cell shows it as it is."""
    return _MARKUP.sub(_escape_markup, escape_terminal(text))


def _escape_markup(found: re.Match[str]) -> str:
    # Entities for tags, because not every Markdown renderer accepts a backslash there.
    return "".join({"<": "&lt;", "&": "&amp;"}.get(char, f"\\{char}") for char in found.group())


def escape_html(text: str) -> str:
    """The text, escaped so that an HTML page shows it as it is, also in an attribute. Line ends stay."""
    return html.escape(escape_terminal(text, keep_newlines=True))


def format_code(text: str) -> str:
    """The text on one line as Markdown code, with a fence of more backticks than it has in a row."""
    line = escape_terminal(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{space}{line}{space}{fence}"
