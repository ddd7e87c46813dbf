from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import time
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from openrft.bench.page.document import PAGE_FILE, build_page, write_page, write_table
from openrft.bench.summary import summarise
from openrft.bench.text_table import TextTable
from tests.bench import factories
from tests.bench.made_run import make_run


class Parsed(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("run")
    report = make_run(folder)
    write_page(report, summarise(report), folder)
    return (folder / PAGE_FILE).read_text("utf-8")


def test_the_page_needs_nothing_from_outside(page: str) -> None:
    """No tag refers to another file, and the policy forbids what is not in the page."""
    found = Parsed(page)
    links = [a.get("src") or a.get("href") or "" for _, a in found.tags if "src" in a or "href" in a]
    assert all(link.startswith(("#", "data:,")) for link in links)
    assert "url(" not in page.split("</style>")[0]
    policy = next(a["content"] for _, a in found.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none';")
    for name, tag in (("style-src", "style"), ("script-src", "script")):
        inside = page.rsplit(f"<{tag}>", 1)[1].split(f"</{tag}>")[0]
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{name} 'sha256-{digest}'" in policy


def test_the_conclusion_has_at_most_four_lines_as_on_a_terminal(tmp_path: Path) -> None:
    for levels in ({"vanilla": 0.3}, {"vanilla": 0.3, "rl": 0.6}):
        report = factories.report(levels, seeds=(0, 1, 2))
        summary = summarise(report)
        top = build_page(report, summary, tmp_path).html.split('<ul class="conclusion">')[1].split("</ul>")[0]
        lines = [Parsed(line).text for line in top.split("<li>")[1:]]
        assert lines == list(summary.conclusion.lines)
        assert 2 <= len(lines) <= 4


def test_hostile_text_is_text(page: str) -> None:
    found = Parsed(page)
    assert "<made> & run" in found.text
    assert [tag for tag, _ in found.tags if tag in ("img", "b", "iframe")] == []
    assert len([tag for tag, _ in found.tags if tag == "script"]) == 2  # the data and page.js
    assert not any(name.startswith("on") for _, attributes in found.tags for name in attributes)


def test_the_packed_answers_come_back(page: str) -> None:
    packed = re.search(r'id="data">([A-Za-z0-9+/=]*)</script>', page)
    assert packed is not None
    data = json.loads(gzip.decompress(base64.b64decode(packed[1])))
    assert sum(len(job["answers"]) for job in data["jobs"]) == 48
    assert data["best"] == "rl+prm"


def test_conclusion_tables_and_plots_need_no_script(tmp_path: Path) -> None:
    """They are there even of a report without answers beside it."""
    report = factories.report(seeds=(0, 1, 2))
    summary = summarise(report)
    page = build_page(report, summary, tmp_path).html
    text = Parsed(page).text
    for line in (*summary.conclusion.findings, summary.conclusion.command, *summary.notes, *factories.ARMS):
        assert line in text
    for title in ("What each plugin was worth", "Accuracy in % against seconds"):
        assert title in text
    assert "There are no answers beside this report." in text


def test_a_table_marks_the_best_arm_and_escapes_its_cells() -> None:
    found = write_table(TextTable("t", ("<arm", "accuracy"), (("<i>", "1"), ("rl", "2")), frozenset({0})), "rl")
    assert '<tr class="faint"><th scope=row class="left">&lt;i&gt;</th><td class="right">1</td></tr>' in found
    assert '<tr class="strong">' in found


def test_size_and_time_of_a_large_run(tmp_path: Path) -> None:
    """10,000 answers of 700 letters each, no two alike, take less than 15 MB."""
    report = make_run(tmp_path, count=4)
    file = next((tmp_path / "rollouts").glob("vanilla*"))
    row = json.loads(file.read_text().splitlines()[0])
    words = [hashlib.sha512(str(n).encode()).hexdigest() for n in range(10_000)]
    lines = []
    for n, word in enumerate(words):
        sample = {**row["sample"], "id": f"{n // 3:016d}", "question": f"What is {n // 3}?"}
        text = f"{word} {words[n - 1]} {words[n - 2]} and so on, line by line, until the answer is found" * 2
        lines.append(json.dumps({**row, "sample": sample, "completion": {**row["completion"], "text": text}}))
    file.write_text("\n".join(lines) + "\n")
    began = time.process_time()
    page = build_page(report, replace(summarise(report), notes=()), tmp_path, whole=True).html
    assert len(page) < 15e6
    assert time.process_time() - began < 60  # a guard against growth with the square of the answers
