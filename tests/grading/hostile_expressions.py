"""Expressions that nobody should write: each computes for minutes in a computer algebra system, or needs all memory."""

from __future__ import annotations

from collections.abc import Iterator

GOLD = ("x^2", "n!+1", r"\binom{n}{2}", r"\{1, 2\}", r"\begin{pmatrix}1&2\\3&4\end{pmatrix}")

_CELLS = r"\\".join("&".join(f"x_{{{i}}}^{j}" for j in range(6)) for i in range(6))
HOSTILE = (
    *("9^{9^{9^9}}", "10^{10^{10}}", "10^{999999999}", "(x+1)^{99999999}", "(x+1)^{9999}!", "x^{x^{x^{x^{x^x}}}}+n!"),
    *("10!!!!!", "99999!", "999!", "99! 99! 99!", r"\binom{99999}{50000}", r"\binom{\binom{99}{50}}{\binom{98}{49}}"),
    *(r"\sum_{k=1}^{10000000} k^k", r"\sum_{k=1}^{n} \frac{k!}{k^k}", r"\prod_{k=1}^{99999} (x+k)"),
    *(r"\int_0^x t^{t^t} dt", r"\int \frac{\sin^9 x \cos^9 x}{1+x^9} dx", r"\int\int\int e^{xyz} dx dy dz"),
    *(r"\lim_{x \to 0} \frac{\sin(\sin(\sin x)) - x}{x^9}", r"\lim_{n\to\infty} (1+\frac{1}{n})^{n^n}"),
    *("(" * 400, "x" * 499, r"\frac{" * 80, r"\frac{1+" * 20 + "n!" + "}{x}" * 20, "{" * 200 + "}" * 200),
    *(r"\sqrt{" * 60 + "x" + "}" * 60, r"\sqrt{n!+" * 18 + "x" + "}" * 18, r"\sin" * 120, "^" * 400, "=" * 400),
    *("x+" * 249 + "x", "n!+" * 120 + "1", "(x+1)(x+2)" * 40, "(n!+1)(n+2)" * 40, "(a+b+c+d+e+f+g)^{40}"),
    *("(a+b+c+d+e+f+g)^{40} n!", "1," * 240, "n!," * 120, r"\pm 1" * 60, r"1 \pm \sqrt{n!} \pm " * 20 + "1"),
    *("x^{999}-x^{998}+n!", r"\{1,2\} \cup " * 30 + r"\{n!\}", r"[1,2] \cup " * 40 + "[3,4]", "x<" * 120 + "n!"),
    *(rf"\begin{{pmatrix}}{_CELLS}\end{{pmatrix}}", rf"\begin{{vmatrix}}{_CELLS}\end{{vmatrix}}"),
    *(rf"\begin{{pmatrix}}{_CELLS}\end{{pmatrix}}^{{99}}", rf"\begin{{pmatrix}}{_CELLS}\end{{pmatrix}}^{{-1}} n!"),
    *("|" * 200, "|x|" * 120, r"\left|" * 60, "\u221a" * 100 + "2", "\u03c0" * 400, "x\u00b2" * 150, "\u222bx" * 90),
    *("\u2211" * 300, "\u00bd" * 300, "\uff11" * 300, r"\log_{2}" * 60 + "x", r"\log_{\log_{n!} 2} 3", r"n!^{n!^{n!}}"),
    *(r"e^{i\pi}" * 40 + "n!", r"\Gamma(n!)", "f(" * 19 + "x" + ")" * 19, r"f'(x)^{99} + f''(x)"),
    *(r"\frac{d^9}{dx^9} x^x", r"\overline{" * 19 + "n" + "}" * 19, r"\gcd(10^{99}, 10^{98})", "7^{7777} \\mod 9!",),
    *(r"\sin^9 x + \cos^9 x - \tan^9 x = n!", r"\sin(x)^{40}\cos(x)^{40} + n!", r"\arctan(\tan(\arctan(\tan(n!))))"),
)  # fmt: skip


def write_completions(piece: str) -> Iterator[str]:
    """The expression as the one answer, and ten like it in statements of one completion."""
    yield f"\\boxed{{{piece}}}"
    yield "\n".join(f"The answer is {index + 2} + {piece}" for index in range(10))
