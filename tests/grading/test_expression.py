"""Expressions: equal or not, in threads and processes, with a limit of time that holds."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

from openrft import Sample, grade
from openrft.errors import OpenRFTError
from openrft.grading import expression_process
from openrft.grading.expression import is_same_expression, read_expression, to_latex

RIGHT = [
    ("2x+1", "1+2x"), ("2x+1", "y = 2x+1"), ("2x+1", "$2x+1$"), ("2x+1", "The answer is 2x + 1."), ("2*x", "2x"),
    ("x^2 - 1", "(x-1)(x+1)"), ("x^2 - 1", "x^{2}-1"), ("x**2", "x^2"), ("x\u00b2", "x^2"), ("x(x+1)", "x^2+x"),
    ("(3, 4)", "(3,4)"), ("{1, 2}", r"\{2,1\}"), ("{1, 2}", "{2, 1}"), ("1,2", "2, 1"), (r"\{1,2\}", "1 and 2"),
    (r"\frac{\pi}{4}", r"\pi/4"), (r"\frac{\pi}{4}", "pi/4"), (r"\frac{\pi}{4}", "\u03c0/4"), (r"3\pi", "9.42477796"),
    ("x>3", "3 < x"), ("x >= 3", r"x \ge 3"), ("x \u2265 3", "x>=3"), (r"(-\infty, 3]", r"x \le 3"), 
    ("x>3", r"(3,\infty)"),
    (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\begin{bmatrix}1&2\\3&4\end{bmatrix}"),
    ("y=2x+1", "y-2x=1"), ("x=2", "2"), ("2", "x=2"), (r"\sqrt{2}", "sqrt(2)"), ("sqrt(x+1)", r"\sqrt{x+1}"),
    ("sin(x)", r"\sin x"), ("e^{x}", "exp(x)"), (r"\emptyset", "\u2205"), ("no solution", "No  solution"),
    (r"\frac{1}{x}", "x^{-1}"), ("a/b", r"\frac{a}{b}"), (r"\frac{x}{2}", "0.5x"), (r"\alpha+1", "1+\u03b1"),
    ("1/2", "0.5"), ("5 kg", "5"), ("85%", "0.85"), ("1,000", "10^3"), ("3.14", r"\pi"),
]  # fmt: skip
WRONG = [
    ("2x+1", "2x"), ("2x+1", "2x-1"), ("x", "y"), ("x^2", "2x"), ("x^2+1", "x^2+1, x^2"), ("2x+1", "2x+1 or 2x"),
    ("(3,4)", "(4,3)"), ("{1,2}", "{1,3}"), ("{1,2}", "1"), ("[1,2]", "(1,2)"), ("x>3", "x<3"), ("x>3", r"x \ge 3"),
    ("12", "12 or 13"), ("12", "12, 13"), ("5", "2+3"), ("5", r"2 \cdot 3 - 1"), ("5", "2x"),
    ("2", "CO2"), ("5 kg", "5 g"),
    ("2x+1", "not 2x+1"), ("2x+1", "maybe 2x+1"), ("2x+1", "I do not know"), ("2x+1", "the wrong answer"), ("x", ""),
    (r"\sqrt{2}", "1.4"), ("y=2x+1", "y=2x"), ("x=3", "y=3"), ("1331, 1728", "1728"),
    ("3", "n=3k"),
    ("x=1", "x=1 or x=2"), (r"\sqrt{3}", r"\pm\sqrt{3}"), ("-1<x<2", r"-1 \le x < 2"), ("10", "10^2"),
    (r"\begin{pmatrix}1&2\end{pmatrix}", r"\begin{pmatrix}2&1\end{pmatrix}"),
]  # fmt: skip
# What only Math-Verify reads.
ASKED = [(r"\binom{n}{2}", r"\frac{n(n-1)}{2}"), ("(n+1)!", "(n+1)n!"), (r"\int_0^1 x dx", r"\frac{1}{2}")]
# Each of these computes for minutes, or needs more memory than there is.
HOSTILE = [
    "9^{9^{9^9}}", "10^{999999999}", "(x+1)^{99999999}", "10!!!!!", "99999!", "(" * 400, "x" * 499, r"\frac{" * 80,
    r"\sum_{k=1}^{10000000} k^k", r"\int_0^x t^{t^t} dt", r"\prod_{k=1}^{99999} (x+k)", "{" * 200 + "}" * 200,
    r"\sqrt{" * 60 + "x" + "}" * 60, "x+" * 249 + "x", "(x+1)(x+2)" * 40, r"\sin" * 120, "^" * 400, "1," * 240,
    "=" * 400,
    "(a+b+c+d+e+f+g)^{40}",
]  # fmt: skip


@pytest.fixture
def enough_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what is not about the limit: a machine that does other things at once needs more processor time."""
    monkeypatch.setattr(expression_process, "SECONDS", 0.5)


def verdict(gold: str, said: str) -> bool | None:
    return grade(Sample("q", gold, kind="expression"), f"\\boxed{{{said}}}").correct


@pytest.mark.usefixtures("enough_time")
@pytest.mark.parametrize(("gold", "said"), RIGHT)
def test_right(gold: str, said: str) -> None:
    assert verdict(gold, said)


@pytest.mark.usefixtures("enough_time")
@pytest.mark.parametrize(("gold", "said"), ASKED)
def test_what_our_grammar_does_not_know_is_asked_of_math_verify(gold: str, said: str) -> None:
    expression_process._ask.cache_clear()
    assert verdict(gold, said)
    assert expression_process._ask.cache_info().misses  # its seconds may be too few to be counted


@pytest.mark.usefixtures("enough_time")
@pytest.mark.parametrize("gold", sorted({gold for gold, _ in RIGHT}))
def test_a_gold_answer_equals_itself(gold: str) -> None:
    assert verdict(gold, gold)


@pytest.mark.usefixtures("enough_time")
@pytest.mark.parametrize(("gold", "said"), WRONG)
def test_wrong(gold: str, said: str) -> None:
    assert verdict(gold, said) is False


@pytest.mark.parametrize(
    ("said", "right"), [("101_2", True), ("101_{2}", True), ("101\u2082", True), ("x=101_2", True), ("101", True),
     ("101_3", False), ("5", False), ("110_2", False), ("1010", False)],
)  # fmt: skip
@pytest.mark.usefixtures("enough_time")
def test_the_base_of_a_number(said: str, right: bool) -> None:
    assert verdict("101_2", said) is right
    assert not verdict("101", "101_2")


@pytest.mark.parametrize(("said", "right"), [("x = 3", True), ("3", True), ("y = 3", False), ("y=3, x=4", False)])
def test_the_value_of_another_variable_is_not_right_in_the_lenient_reading(said: str, right: bool) -> None:
    verdicts = grade(Sample("q", "x = 3", kind="expression"), said)
    assert (verdicts.lenient or verdicts).correct is right


def test_an_expression_in_question_is_no_answer() -> None:
    verdicts = grade(Sample("q", "x=1", kind="expression"), r"\boxed{x=1?}")
    assert (verdicts.answer, verdicts.reason) == (None, "it is in question")


@pytest.mark.usefixtures("enough_time")
def test_further_right_answers() -> None:
    sample = Sample("q", "x+1", kind="expression", accepted=("2x",))
    assert [grade(sample, f"\\boxed{{{said}}}").correct for said in ("1+x", "x*2", "3x")] == [True, True, False]


@pytest.mark.parametrize("said", HOSTILE)
def test_no_expression_takes_long(said: str) -> None:
    assert verdict("2x", "x+x")
    process = expression_process._PROCESS.process
    began = time.perf_counter()
    assert not verdict("x^2", said)
    assert time.perf_counter() - began < expression_process.WALL_SECONDS
    assert expression_process._PROCESS.process is process  # it was stopped by processor time, not killed


def test_a_long_answer_is_refused_without_reading_it() -> None:
    sample = Sample("q", "x^2", kind="expression")
    for piece in ("x+", "(", "9^", "\\frac{", "a or ", "is ", "1,"):
        text = piece * (100_000 // len(piece))
        began = time.process_time()
        assert read_expression(sample, text)[0] is None
        assert not is_same_expression(text, "x^2")
        assert time.process_time() - began < 0.5


@pytest.mark.parametrize(
    ("said", "reason"),
    [("", "empty"), ("x" * 501, "too long"), ("maybe x", "does not settle"), ("many apples", "no expression: 'many'"),
     ("((x)", "brackets"), ("x +* / 2 \\frac", "cannot be read")],
)  # fmt: skip
def test_what_cannot_be_read_says_why(said: str, reason: str) -> None:
    read, why = read_expression(Sample("q", "y", kind="expression"), said)
    assert read is None
    assert reason in why


def test_programmers_signs_become_latex() -> None:
    assert to_latex("x**2 <= sqrt(3)*pi") == r"x^2 \le  \sqrt{3}*\pi"
    assert to_latex("x\u00b2 \u2264 \u03c0") == r"x^{2} \le  \pi"


def tell_apart(k: int) -> bool:
    """Two questions that only Math-Verify answers: it reads n! for us."""
    return bool(verdict(f"n!+{k}", f"{k}+n!")) and verdict(f"n!+{k}", f"n!+{k + 1}") is False


@pytest.mark.usefixtures("enough_time")
def test_threads_share_one_process() -> None:
    expression_process._ask.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(tell_apart, range(24)))
    assert found == [True] * 24
    assert verdict("3n!", "n! 3")


@pytest.mark.parametrize("method", ["spawn", "fork"])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_every_process_has_its_own_which_ends_with_it(method: str) -> None:
    assert verdict("n!+7", "7+n!")
    mine = expression_process._PROCESS.process
    assert mine is not None
    with ThreadPoolExecutor(1) as other:  # a fork from a process with threads, and a lock that one of them holds
        other.submit(verdict, "n!+8", "8+n!").result()
        with ProcessPoolExecutor(1, multiprocessing.get_context(method)) as pool:
            assert pool.submit(is_same_expression, "n!+11", "11+n!").result(60)
            pid = pool.submit(
                eval, "__import__('sys').modules['openrft.grading.expression_process']._PROCESS.process.pid"
            ).result()
    assert pid not in (0, mine.pid)
    assert _ends(pid)
    assert mine.poll() is None  # the child did not end its parent's
    assert verdict("n!+9", "9+n!")


def test_what_ignores_the_timer_is_killed_and_leaves_no_zombie(monkeypatch: pytest.MonkeyPatch) -> None:
    assert verdict("n!+2", "2+n!")
    before = expression_process._PROCESS.process
    assert before is not None
    os.killpg(before.pid, 19)  # SIGSTOP: it and its copy will never answer
    monkeypatch.setattr(expression_process, "WALL_SECONDS", 0.5)
    assert not verdict("n!+44", "44+n!")
    assert before.returncode is not None  # waited for
    assert expression_process._PROCESS.process is None
    monkeypatch.undo()
    expression_process._ask.cache_clear()
    assert verdict("n!+44", "44+n!")  # by a new one


@pytest.mark.usefixtures("enough_time")
def test_a_process_that_dies_is_replaced() -> None:
    assert verdict("n!+2", "2+n!")
    process = expression_process._PROCESS.process
    assert process is not None
    process.kill()
    time.sleep(0.2)
    expression_process._ask.cache_clear()
    verdict("n!+45", "45+n!")
    expression_process._ask.cache_clear()
    assert verdict("n!+45", "45+n!")


def test_it_ends_when_its_parent_is_killed() -> None:
    code = (
        "from openrft.grading import expression as e; e.is_same_expression('n!+2', '2+n!');"
        "from openrft.grading.expression_process import _PROCESS;"
        "print(_PROCESS.process.pid, flush=True); import time; time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert _ends(pid)


def test_a_library_that_is_missing_is_an_error_and_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    expression_process._PROCESS.stop()
    expression_process._ask.cache_clear()
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(OpenRFTError, match="pip install 'math-verify"):
        verdict("n!+1", "1+n!")


def test_numbers_start_no_process() -> None:
    code = (
        "import sys, openrft\n"
        "from openrft.grading import expression_process\n"
        "for kind in ('number', 'expression'):\n"
        "    assert openrft.grade(openrft.Sample('q', '1/2', kind=kind), '\\\\boxed{0.5}').correct\n"
        "assert expression_process._PROCESS.process is None\n"
        "assert not {'sympy', 'math_verify', 'pint'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_lock_is_free_after_an_error() -> None:
    assert isinstance(expression_process._PROCESS.lock, type(threading.Lock()))
    assert not expression_process._PROCESS.lock.locked()


def _ends(pid: int) -> bool:
    """Whether the process ends within ten seconds; a zombie waits for init alone."""
    for _ in range(100):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except OSError:
            return True
        time.sleep(0.1)
    return False
