"""One pass over a text that leaves out the LaTeX, Markdown and HTML commands that only format it.

`\\textbf{B}`, `**B**`, `$B$` and `{\\bf B}` become B. What means something stays: `\\frac{1}{2}`, `x^{10}`, `a*b`,
`snake_case`, and the molecules `*CC*` and `F/C=C\\F`.
"""

from __future__ import annotations

import re
import unicodedata


def _split_names(names: str) -> frozenset[str]:
    return frozenset(names.split())


_STYLES = _split_names(  # \text{B}: the command and its braces go, the argument stays
    "text textbf textit textrm textsf texttt textsc textsl textup textmd textnormal emph mathrm mathbf mathit mathsf"
    " mathtt mathcal mathfrak mathbb mathnormal boldsymbol bm pmb operatorname mbox hbox fbox boxed framebox underline"
    " uline ensuremath ce pu num si unit"
)
_HIDDEN = _split_names("color textcolor colorbox hspace vspace phantom hphantom vphantom label tag href")
_SWITCHES = _split_names(  # {\bf B}: the command goes
    "bf it rm sf tt em bfseries itshape mdseries upshape rmfamily sffamily ttfamily normalfont displaystyle textstyle"
    " scriptstyle scriptscriptstyle limits nolimits mathstrut strut noindent centering tiny small normalsize large"
    " Large LARGE huge Huge"
)
_DELIMITERS = _split_names(  # \left( is (, and \right. is nothing
    "left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr bigm Bigm"
)
_SPACES = {
    **dict.fromkeys((",", "thinspace"), "\u2009"),  # a thin space may separate thousands
    **dict.fromkeys((":", ";", ">", " ", "\n", "\\", "quad", "qquad", "enspace", "medspace", "thickspace"), " "),
    **dict.fromkeys(("newline", "par", "hfill", "nobreakspace", "space"), " "),
    **dict.fromkeys(("!", "/", "negthinspace"), ""),
}
_SCRIPTS = {"textsubscript": "_", "textsuperscript": "^", "sub": "_", "sup": "^"}
_ACCENTS = {"'": "\u0301", "`": "\u0300", '"': "\u0308", "^": "\u0302", "~": "\u0303"}
_TOKEN = re.compile(
    r"\\(?P<command>[A-Za-z]+)(?:\*(?=\{))?|\\(?P<escape>[\s\S])|(?P<brace>[{}])|(?P<math>\$\$?)"
    r"|(?P<stars>\*+)|(?P<bars>_+)|(?P<ticks>```[a-z]*\n|`+)|(?P<tilde>~+)"
    r"|<(?P<end>/?)(?P<tag>b|i|u|em|strong|span|code|tt|mark|small|p|div|br|sub|sup)(?:\s[^<>=]*=[^<>]*)?\s?/?>"
    r"|(?P<text>(?:(?<=[A-Za-z0-9)\]}])(?:[_^]\{[^\\{}$*_`~<]*\}|_(?=[A-Za-z0-9]))|[^\\{}$*_`~<^]+|\^|<(?![A-Za-z/]))+|[<\\])",
    re.IGNORECASE,
)
_ESCAPED_TWICE = re.compile(  # \\text{B}, as some write into JSON. In a matrix \\ is not followed by these
    r"(?<!\\)\\\\(?=[()]|(?:text[a-z]{0,6}|math[a-z]{2,6}|(?:[dtcs]|nice)?frac|sqrt|boxed|left|right|times|cdot|pi|ce|mbox|operatorname)"
    r"(?![A-Za-z]))"
)
_OPERATORS = _split_names(  # signs, which take no argument
    "times cdot div pm mp approx sim to rightarrow leftarrow rightleftharpoons circ degree percent le leq ge geq ne"
    " neq lt gt infty pi cup cap in and or alpha beta gamma delta epsilon varepsilon zeta eta theta iota kappa lambda"
    " mu nu xi rho sigma tau phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega hbar ell sin cos tan"
    " ln log exp"
)
_FRACTIONS = _split_names("frac dfrac tfrac cfrac nicefrac sfrac binom")
_LETTER_WITH_ACCENT = re.compile(r"\{?\\?([A-Za-z])\}?")
_MOLECULE = re.compile(r"(?:\[[^\[\]]{1,16}\]|Cl|Br|[BCNOPSFIHbcnops0-9=#@+\-()\[\]/\\.%:])++")
_LONE_WORD = re.compile(r"[A-Za-z]|yes|no|true|false", re.IGNORECASE)


def remove_dress(text: str) -> str:
    """The text without the commands that dress it. Linear in its length, however deep they are nested."""
    return _Scanner(_ESCAPED_TWICE.sub(r"\\", text) if "\\\\" in text else text).scan()


def find_closing_braces(text: str) -> dict[int, int]:
    """The position of the closing brace for each opening brace that has one. One pass, because a degenerate policy may
    write thousands that are never closed."""
    closed, opened = {}, []
    for found in re.finditer(r"[{}]", text):
        if found[0] == "{":
            opened.append(found.start())
        elif opened:
            closed[opened.pop()] = found.start()
    return closed


class _Scanner:
    """The state of the pass. `pieces` are what is kept of the text, in order."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.pieces: list[str] = []
        self.at = 0  # the position after the last token
        self.closing = find_closing_braces(_blank_escapes(text))
        self.dropped: dict[int, str] = {}  # positions of closing braces that go, and what stands there instead
        self.opened: dict[str, list[int]] = {}  # emphasis and mathematics that are open: the indices of their pieces
        self.takes_argument = False  # whether a brace here opens what belongs to a command, to ^ or to _
        self.glue = ""  # the command that stands directly before
        self.environments = 0  # \\begin without its \\end: a break ends a row there

    def scan(self) -> str:
        match, text, end = _TOKEN.match, self.text, len(self.text)
        while self.at < end:
            found = match(text, self.at)
            assert found is not None  # every character is a token
            start, self.at = self.at, found.end()
            if found.lastgroup == "text":
                self._write(found[0])
            else:
                self._read(found, start)
        return "".join(self.pieces)

    def _read(self, found: re.Match[str], start: int) -> None:
        kind = found.lastgroup
        if kind == "command":
            self._read_command(found)
        elif kind == "escape":
            self._read_escape(found["escape"])
        elif kind == "brace":
            self._read_brace(found["brace"], start)
        elif kind == "math":
            self._toggle(found["math"])
        elif kind in ("stars", "bars"):
            self._read_emphasis(found[0], start)
        elif kind == "ticks":
            self._toggle(found[0].rstrip("abcdefghijklmnopqrstuvwxyz\n"))
        elif kind == "tilde":
            self._write_tilde(found[0])
        else:
            self._read_tag(found["tag"].lower(), bool(found["end"]))

    def _write_tilde(self, run: str) -> None:
        """A space in LaTeX, except where it may be a sign: "~ 5"."""
        before = self._last()
        is_space = before[-1:].strip() or (before and self.text[self.at : self.at + 1].isalpha())
        self._write(" " if run == "~" and is_space else run)

    def _write(self, piece: str) -> None:
        if not piece:
            return
        if self.glue and piece[:1].isalpha():
            piece = " " + piece  # what stood between the command and the letter is gone
        self.pieces.append(piece)
        still = piece.isspace() or (piece[:1] == "[" and piece[-1:] == "]")  # \frac {1}{2}, \sqrt[3]{2}
        still = still or (self.glue in _FRACTIONS and len(piece.strip()) == 1)  # \frac1{23}
        self.takes_argument = piece[-1:] in ("^", "_") or (self.takes_argument and still)
        self.glue = ""

    def _last(self) -> str:
        return next((piece for piece in reversed(self.pieces[-8:]) if piece), "")

    def _read_command(self, found: re.Match[str]) -> None:
        name = found["command"]
        if name in _STYLES or name in _SCRIPTS:
            if name in _SCRIPTS:
                self._write(_SCRIPTS[name])
            self._skip_spaces()
            if not self.takes_argument:
                self._drop_braces()
        elif name in _HIDDEN:
            self._skip_spaces()
            if self.at in self.closing:
                self.at = self.closing[self.at] + 1
            self._drop_braces()
            self._skip_spaces()
        elif name in ("SI", "qty"):  # \SI{5}{cm} is 5 cm
            self._drop_braces(" ")
        elif name in _SWITCHES:
            self._skip_spaces()
        elif name in _DELIMITERS:
            self._skip_spaces()
            self.at += self.text.startswith(".", self.at)
        elif name in _SPACES:
            self._skip_spaces()
            self._write(_SPACES[name])
        else:
            self._write(found[0])
            self.environments += (name == "begin") - (name == "end")
            self.takes_argument, self.glue = name not in _OPERATORS, name

    def _read_escape(self, sign: str) -> None:
        if sign == "\\" and self.environments > 0:
            self._write("\\\\")
        elif sign in _SPACES:
            self._write(_SPACES[sign])
        elif sign in "()":
            self._pair("\\(", sign == ")", "\\" + sign)
        elif sign in "[]":
            self._pair("\\[", sign == "]", "\\" + sign)
        elif sign in _ACCENTS and self._last()[-1:].isalpha() and self._read_accent(_ACCENTS[sign]):
            return  # inside a word; \"B\" at its start is a quotation
        else:
            self._write("\\" + sign)

    def _read_accent(self, accent: str) -> bool:
        letter = _LETTER_WITH_ACCENT.match(self.text, self.at)
        if letter:
            self.at = letter.end()
            self._write(unicodedata.normalize("NFC", letter[1] + accent))
        return letter is not None

    def _read_brace(self, brace: str, start: int) -> None:
        if brace == "}":
            if start in self.dropped:
                self._write(self.dropped[start])
                self.takes_argument = False
            else:
                self._write(brace)
                self.takes_argument = True  # \frac{1}{2}
        elif start in self.closing and not self.takes_argument:
            self.dropped[self.closing[start]] = ""
        else:
            self._write(brace)

    def _drop_braces(self, then: str = "") -> None:
        if self.at in self.closing:
            self.dropped[self.closing[self.at]] = then
            self.at += 1

    def _skip_spaces(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in " \t\n":
            self.at += 1

    def _toggle(self, delimiter: str) -> None:
        self._pair(delimiter, bool(self.opened.get(delimiter)), delimiter)

    def _pair(self, kind: str, closes: bool, written: str) -> None:
        """Leave out a delimiter together with the one that opened; one that has no partner stays."""
        if closes and self.opened.get(kind):
            self.pieces[self.opened[kind].pop()] = ""
            self.takes_argument = False
            return
        if not closes:
            self.opened.setdefault(kind, []).append(len(self.pieces))
        self._write(written)

    def _read_emphasis(self, run: str, start: int) -> None:
        """`**B**` is B, and so is `*B*`. `2**3`, `a_b` and `*CC*` stay."""
        kind = run[0] if len(run) == 1 else run[0] * 2
        before, after = self.text[start - 1 : start], self.text[self.at : self.at + 1]
        if self.opened.get(kind) and before.strip() and after != "{" and (not after.isalnum() or kind == "**"):
            inner = "".join(self.pieces[self.opened[kind][-1] + 1 :]) if kind == "*" else ""
            if kind != "*" or _LONE_WORD.fullmatch(inner) or not _MOLECULE.fullmatch(inner):
                self._pair(kind, True, run)
                return
            del self.opened[kind]
        elif after.strip() and after != "{" and not before.isalnum() and before not in ("$", "}", ")", "]", "\\"):
            self.opened[kind] = [len(self.pieces)]
        self._write(run)

    def _read_tag(self, tag: str, ends: bool) -> None:
        if tag in _SCRIPTS:
            self._write("}" if ends else _SCRIPTS[tag] + "{")
        elif tag == "br":
            self._write(" ")


def _blank_escapes(text: str) -> str:
    r"""The text with `\{` and `\}` blanked, so that they do not count as braces."""
    return re.sub(r"\\[\\{}]", "  ", text) if "\\" in text else text
