"""One spelling for the notation in a text: scripts, fractions, roots, signs, charges, hydrates and spaces.

`x_{1}`, `x_1`, `x₁` are x1; `\\dfrac{1}{2}`, `\\frac12`, `½` are 1/2; `Ca^{2+}`, `Ca²⁺` and `Ca^2+` are written alike.
Case stays. Each step is one pass, or a fixed number of passes.
"""

from __future__ import annotations

import re
import unicodedata

CHARGE = "\ue000"  # stands before a charge that was written as a superscript, and is no character of any text
_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon phi"
    " chi psi omega"
)
_FUNCTIONS = "sin cos tan cot sec csc sinh cosh tanh arcsin arccos arctan log ln lg exp lim max min det"
_GREEK_SIGNS = "αβγδεζηθικλμνξοπρστυφχψω"
GREEK_NAMES = dict(zip(_GREEK_SIGNS, _GREEK.split(), strict=True))
_SIGNS = {  # what LaTeX commands stand for
    **{name: sign for sign, name in GREEK_NAMES.items()},
    **{name.capitalize(): sign.upper() for sign, name in GREEK_NAMES.items()},
    **{"varepsilon": "ε", "vartheta": "θ", "varphi": "φ", "varrho": "ρ", "varsigma": "σ", "hbar": "ℏ", "ell": "ℓ"},
    **{"times": "×", "cdot": "·", "cdotp": "·", "bullet": "·", "ast": "*", "div": "÷", "pm": "±", "mp": "∓"},
    **{"leq": "≤", "le": "≤", "leqslant": "≤", "geq": "≥", "ge": "≥", "geqslant": "≥", "neq": "≠", "ne": "≠"},
    **{"lt": "<", "gt": ">", "ll": "≪", "gg": "≫", "approx": "≈", "sim": "~", "equiv": "≡", "propto": "∝"},
    **{"to": "→", "rightarrow": "→", "longrightarrow": "→", "Rightarrow": "⇒", "implies": "⇒", "leftarrow": "←"},
    **{"leftrightarrow": "↔", "rightleftharpoons": "⇌", "iff": "⇔", "Leftrightarrow": "⇔", "mapsto": "↦"},
    **{"infty": "∞", "cup": "∪", "cap": "∩", "in": "∈", "notin": "∉", "subset": "⊂", "subseteq": "⊆"},
    **{"emptyset": "∅", "varnothing": "∅", "setminus": "\\", "land": "∧", "lor": "∨", "wedge": "∧", "vee": "∨"},
    **{"lnot": "¬", "neg": "¬", "forall": "∀", "exists": "∃", "partial": "∂", "nabla": "∇", "int": "∫", "sum": "∑"},
    **{"prod": "∏", "degree": "°", "textdegree": "°", "circ": "∘", "angle": "∠", "perp": "⊥", "parallel": "∥"},
    **{
        "triangle": "△",
        "cong": "≅",
        "prime": "'",
        "ldots": "...",
        "dots": "...",
        "cdots": "...",
        "lbrace": "{",
        "rbrace": "}",
        "lbrack": "[",
    },
    **{"rbrack": "]", "vert": "|", "mid": "|", "lvert": "|", "rvert": "|", "Vert": "‖", "langle": "⟨", "rangle": "⟩"},
    **{"AA": "Å", "angstrom": "Å", "aa": "å", "ss": "ß", "ae": "æ", "AE": "Æ", "oe": "œ", "percent": "%", "colon": ":"},
    **{name: name for name in _FUNCTIONS.split()},
}
_COMMAND = re.compile(r"\\([A-Za-z]+)( *)")
_SCRIPTS = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱᵃᵇᶜᵈᵉ]+|[₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₒₓₕₖₗₘₙₚₛₜᵢⱼ]+")
_VULGAR = re.compile("(?<=[0-9])(?=[¼-¾⅐-⅞])")
_SAME = str.maketrans(
    {
        **dict.fromkeys("‐‑‒–—―−﹣", "-"),
        **dict.fromkeys("‘’‚‛′ʹ", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("⋅•∙‧・", "·"),
        **dict.fromkeys("⟶➔➝⭢", "→"),
        **{"⁄": "/", "∕": "/", "⩽": "≤", "⩾": "≥", "ϵ": "ε", "ϕ": "φ", "ϑ": "θ", "º": "°", "˚": "°", "…": "..."},
    }
)
_ARROWS = (
    (re.compile(r"<[-=]+>|[⇄⇆]"), "⇌"),
    (re.compile(r"(?<![-=])[-=]+>"), "→"),
    (re.compile(r"\+ ?/ ?-"), "±"),
)
_FRACTION = re.compile(r"\\[dtc]?frac\s*(?:\{([^{}]*)\}|([0-9A-Za-z]))\s*(?:\{([^{}]*)\}|([0-9A-Za-z]))")
_ROOT = re.compile(r"\\sqrt\s*(?:\{([^{}]*)\}|([0-9A-Za-z]))")
_DEPTH = 6  # of fractions and roots in each other; deeper ones are compared as they are written
_ROOT_SIGN = re.compile(r"(?:[·*]\s*)?(?:√|\bsqrt(?=\())|(?<=\d)sqrt(?=\()")
_ENCLOSED = (  # brackets that are not needed
    (re.compile(r"√\(\s*([\w.]+)\s*\)"), r"√\1"),
    (re.compile(r"(?<![\w)\]])\(\s*(-?√?[\w.]+)\s*\)(?=/)"), r"\1"),
    (re.compile(r"(?<=/)\(\s*(√?[\w.]+)\s*\)"), r"\1"),
)
_CHARGES = (
    re.compile(r"(?<=[A-Za-z0-9\u0370-\u03ff)\]}])\^(?:\{\s*(\d*)\s*([+-])\s*\}|(\d*)([+-])(?![\d\w({]))"),
    re.compile(r"(?<=[A-Za-z0-9)\]}])\^\{?\s*(\+)(\d+)\s*\}?"),  # Ca^{+2}. Not m^{-2}, which is an exponent
    re.compile(r"(?<=[A-Za-z0-9)\]}])(?:\^\{?)?(\+\+|--)\}?(?=\s|$)"),
    re.compile(r"(?:(?<=[A-Z][a-z])|(?<=[)\]]))(\+)([2-9])(?=$|[\s)\]])"),  # Fe+3
    re.compile(r"(?<=\])(?:(\d?)([+-])|(-)([2-9]))(?=$|[\s),;.])"),  # [SO4]2-, [SO4]-2
    re.compile(r"(?<=[A-Za-z0-9)\]}])(?:\s+(\d?)([+-])(?=\s*$)|\((\d?)([+-])\)(?=\s|$))"),  # SO4 2-, Ca(2+)
    re.compile(r"(?<=[A-Z]\d)(-)([2-4])$"),  # SO4-2
)
_HYDRATE = re.compile(r"\s*[·*.×]\s*(?=(?:\d+\s*)?H_?\{?2\}?O\b)|\s+x\s+(?=\d+\s*H_?\{?2\}?O\b)")
_SUPERSCRIPT = re.compile(r"\^\s*\{\s*([^{}]*?)\s*\}(?!\d)")
_SUBSCRIPT = re.compile(r"_\s*\{\s*([^{}]*?)\s*\}(?![0-9])")
_ORBITAL = re.compile(r"(?<=\d[spdf])\^(?=\d{1,2}(?!\d))|(?<=\bsp)\^(?=[23](?!\d))")  # 1s^2 is 1s2
_NUMBERED = re.compile(r"(?<=[A-Za-z)\]\u0370-\u03ff])_(\d+)")
_TIMES = re.compile(r"(?<=\d)\s*(?:[×*]|x(?=\s*10\s*\^))\s*(?=\d)")
_THIN_SPACE = re.compile("(?<=[0-9])[\u2009\u202f](?=[0-9]{3}(?![0-9]))")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_SPACE = re.compile(r"\s+")
_PROSE = re.compile(r"(?:[A-Za-z ,;.']|-(?!-))*")
_LOOSE_SPACE = re.compile(r"(?<=[^\W\d_]) (?=[\d\W])|(?<=\d) (?=\D)|(?<=[^\w\s]) | (?=[^\w\s])")


def unify_notation(text: str) -> str:
    """The text, without markup, in one spelling. Spaces stay only between words and between numbers."""
    if _PROSE.fullmatch(text):
        return _LOOSE_SPACE.sub("", _SPACE.sub(" ", text).strip())
    text = unicodedata.normalize("NFC", _THIN_SPACE.sub("", _VULGAR.sub(" ", text.replace(CHARGE, ""))))
    text = _SCRIPTS.sub(_write_script, text).translate(_SAME)
    text = unicodedata.normalize("NFKC", text).translate(_SAME)
    if "\\" in text:
        text = _resolve_commands(text)
    text = _ROOT_SIGN.sub("√", text)
    for pattern, plain in _ENCLOSED:
        text = pattern.sub(plain, text)
    for pattern, arrow in _ARROWS:
        text = pattern.sub(arrow, text)
    text = re.sub(r"\^\s*\{?\s*∘\s*\}?|(?<=\d)\s*(?:degrees?|deg)\b", "°", text.replace("**", "^"))
    text = re.sub(r"(?<=\d)\s*per\s?cent\b", "%", text)
    for pattern in _CHARGES:
        text = pattern.sub(_write_charge, text)
    text = _HYDRATE.sub("·", text)
    text = _NUMBERED.sub(r"\1", _SUBSCRIPT.sub(_write_subscript, _SUPERSCRIPT.sub(_write_exponent, text)))
    text = _TIMES.sub("·", _ORBITAL.sub("", text))
    if not re.search(r"[(\[{]", text):  # 1,200 is a number; (1,200) is a pair
        text = _THOUSANDS.sub("", text)
    text = re.sub(r"(?<![\d.])\.(?=\d)", "0.", text)
    return _LOOSE_SPACE.sub("", _SPACE.sub(" ", text).strip())


def _write_script(found: re.Match[str]) -> str:
    plain = unicodedata.normalize("NFKC", found[0]).replace("\u2212", "-")
    return f"{'^' if found[0][0] in '⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱᵃᵇᶜᵈᵉ' else '_'}{{{plain}}}"


def _resolve_commands(text: str) -> str:
    for _ in range(_DEPTH):
        before = text
        text = _FRACTION.sub(_write_fraction, _ROOT.sub(r"sqrt(\1\2)", text))
        if text == before:
            break
    return _COMMAND.sub(_write_sign, text)


def _write_sign(found: re.Match[str]) -> str:
    sign = _SIGNS.get(found[1])
    if sign is None:
        return found[0]
    if sign == found[1] and found.string[found.start() - 1 : found.start()].isalpha():  # n\log n
        sign = f" {sign}"
    return sign + found[2] if sign.isascii() else sign  # as in LaTeX, the space only ends the command


def _write_fraction(found: re.Match[str]) -> str:
    above, below = (f"({found[one] or found[other] or ''})" for one, other in ((1, 2), (3, 4)))
    before = found.string[found.start() - 1 : found.start()]
    return f"{' ' if before.isdigit() else ''}{above}/{below}"  # 1\\frac12 is 1 1/2


def _write_charge(found: re.Match[str]) -> str:
    signs = [group for group in found.groups() if group]
    sign = next(group for group in signs if group[0] in "+-")
    number = next((group for group in signs if group.isdigit()), str(len(sign)))
    return f"{CHARGE}{'' if number == '1' else number}{sign[0]}"


def _write_subscript(found: re.Match[str]) -> str:
    following = found.string[found.end() : found.end() + 1]
    return f"_{found[1]} " if following.isalpha() and not found[1].isdigit() else f"_{found[1]}"


def _write_exponent(found: re.Match[str]) -> str:
    return f"^{found[1]}" if re.fullmatch(r"-?(?:\d+|\w)", found[1]) else f"^({found[1]})"
