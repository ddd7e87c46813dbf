"""report.html in a real browser: Debian's Chromium, driven through its own driver, without a network."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from openrft.bench.page.document import PAGE_FILE, write_page
from openrft.bench.summary import summarise
from tests.bench.made_large_run import make_large_run
from tests.bench.made_run import HOSTILE, TASK, make_run, make_samples

pytest.importorskip("selenium", reason="selenium is not installed")
CHROMIUM, DRIVER = (shutil.which(name) for name in ("chromium", "chromedriver"))
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER),
    reason="Chromium and its driver are not installed: apt-get install chromium chromium-driver",
)

from selenium import webdriver  # noqa: E402  # only where it is installed
from selenium.common.exceptions import StaleElementReferenceException  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.remote.webelement import WebElement  # noqa: E402
from selenium.webdriver.support.ui import Select, WebDriverWait  # noqa: E402

WIDTHS = {"phone": 390, "tablet": 820, "desktop": 1440}


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    yield chrome
    chrome.quit()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("run")
    report = make_run(folder)
    write_page(report, summarise(report), folder)
    return (folder / PAGE_FILE).as_uri()


@pytest.fixture
def page(browser: webdriver.Chrome, address: str) -> Iterator[webdriver.Chrome]:
    """The page as it opens. Whatever a test does, nothing may be written to the console."""
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    visit(browser, address)
    yield browser
    assert browser.get_log("browser") == []
    assert browser.execute_script("return window.hacked") is None


def visit(browser: webdriver.Chrome, address: str) -> None:
    """Open the page anew, whatever its fragment, and wait until its script has run."""
    browser.get("about:blank")
    browser.get(address)
    wait_until(browser, lambda b: b.execute_script("return document.documentElement.dataset.ready"))


def wait_until(browser: webdriver.Chrome, holds: Callable[[webdriver.Chrome], object]) -> None:
    """Wait for at most 30 seconds. The page may replace an element while the test reads it, so then it reads again."""
    WebDriverWait(browser, 30, ignored_exceptions=[StaleElementReferenceException]).until(holds)


def find(page: webdriver.Chrome, css: str) -> WebElement:
    return page.find_element(By.CSS_SELECTOR, css)


def find_all(page: webdriver.Chrome, css: str) -> list[WebElement]:
    return page.find_elements(By.CSS_SELECTOR, css)


def choose(page: webdriver.Chrome, name: str, value: str) -> None:
    Select(find(page, f"#{name}")).select_by_value(value)


def count(page: webdriver.Chrome) -> str:
    return find(page, "#count").text


@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS.keys())
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_page_fits_every_width_in_both_modes(page: webdriver.Chrome, width: int, mode: str, tmp_path: Path) -> None:
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    feature = {"name": "prefers-color-scheme", "value": mode}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    assert page.execute_script("return innerWidth") == width
    root = "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    needed, given = page.execute_script(root)
    assert needed == given  # nothing reaches beyond the window
    paper = page.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 28)"}[mode]
    heights = "return [...document.querySelectorAll('figure svg text')].map((t) => t.getBoundingClientRect().height)"
    assert min(page.execute_script(heights)) > 8  # no text of a plot is too small to read
    shot = tmp_path / "page.png"
    assert page.save_screenshot(str(shot))
    assert shot.stat().st_size > 20_000  # not a blank page


def test_filters_show_what_they_name(page: webdriver.Chrome) -> None:
    """vanilla answers A to 12 questions whose golds are A, B, A, ...; rl+prm is right but for the third."""
    assert (find(page, "#first").get_attribute("value"), find(page, "#second").get_attribute("value")) == (
        "vanilla",
        "rl+prm",
    )
    for show, number in {
        "": 12,
        "right": 6,
        "wrong": 6,
        "unread": 1,
        "gained": 6,
        "lost": 1,
        "flipped": 7,
        "unscored": 0,
    }.items():
        choose(page, "show", show)
        assert count(page) == f"{number} of 12 questions"
    choose(page, "show", "gained")
    choose(page, "bygroup", "level: L0")
    assert count(page) == "0 of 12 questions"  # the golds of level L0 are all A
    choose(page, "bygroup", "level: L1")
    assert count(page) == "6 of 12 questions"
    find(page, "#find").send_keys("what is 5")
    assert count(page) == "1 of 12 questions"


def test_a_question_shows_both_arms_side_by_side_as_text(page: webdriver.Chrome) -> None:
    find_all(page, "#list button")[2].click()
    left, right = find_all(page, "#item .column")
    assert left.location["y"] == right.location["y"]
    assert [column.find_element(By.TAG_NAME, "h3").text for column in (left, right)] == ["vanilla", "rl+prm"]
    assert "✓ right" in left.text
    assert "? not read" in right.text
    assert "no answer can be read" in right.text
    assert "A. 2" in find(page, "#item .facts").text
    find_all(page, "#list button")[1].click()
    assert HOSTILE[1] in find(page, "#item .answer pre").text  # the markup itself is read
    assert find_all(page, "#item img") == []
    left = find(page, "#item .column")
    left.find_element(By.TAG_NAME, "summary").click()
    assert "Reason." in left.text


def test_every_arm_of_a_question_at_once(page: webdriver.Chrome) -> None:
    choose(page, "second", "")
    assert len(find_all(page, "#item .column")) == 1
    find(page, "#item .buttons button:nth-of-type(3)").click()
    assert len(find_all(page, "#item .column")) == 2


def test_the_keyboard_walks_through_the_questions(page: webdriver.Chrome) -> None:
    find_all(page, "#list button")[0].click()
    for key, number in ((Keys.ARROW_DOWN, 1), ("j", 2), (Keys.ARROW_UP, 1), ("k", 0), ("k", 0)):
        page.switch_to.active_element.send_keys(key)
        current = find(page, '#list [aria-current="true"]')
        assert current.get_attribute("data-item") == str(number)
        assert page.switch_to.active_element == current


def test_a_link_leads_to_its_question(page: webdriver.Chrome, address: str) -> None:
    sample = make_samples(12)[7]
    chosen = {"first": "rl+prm", "second": "", "seed": "0", "item": f"{TASK}/{sample.id}"}
    visit(page, f"{address}#{urlencode(chosen)}")
    assert find(page, "#item .question").text == "What is 7 + 7?"
    assert find(page, "#item h3").text == "rl+prm"
    link = find(page, "#item .buttons a").get_attribute("href")
    assert link is not None
    visit(page, link)
    assert find(page, "#item .question").text == "What is 7 + 7?"


def test_the_bars_of_rewards_lead_to_their_answers_with_tinted_steps(page: webdriver.Chrome) -> None:
    """In each of the 12 groups of four, the last answer has the steps .9 and .95: bar 9."""
    find(page, '#rewards svg a[href*="bar=9"]').send_keys(Keys.ENTER)
    wait_until(page, lambda b: find_all(b, "#group .answers"))
    assert find(page, "#group h3").text == "prm: f from 0.9 to 1, 12 questions"
    first = find(page, "#group .answers")
    answers = first.find_elements(By.CSS_SELECTOR, ".answer")
    assert ["chosen" in (answer.get_attribute("class") or "") for answer in answers] == [False, False, False, True]
    assert [step.text for step in answers[3].find_elements(By.CSS_SELECTOR, ".t4")] == ["0.90\none 3", "0.95\ntwo"]
    assert [step.text for step in answers[0].find_elements(By.CSS_SELECTOR, ".t0")] == ["0.05\ntwo"]
    assert len(find_all(page, "#group .answers")) == 8
    find(page, "#group button").click()
    assert len(find_all(page, "#group .answers")) == 12


def test_the_steps_of_rl_open_and_their_bars_lead_to_whole_groups(page: webdriver.Chrome) -> None:
    """Steps 0, 14 and 29 of two groups of four. R is 0.05 for all answers of step 0."""
    opener = find(page, "#rewards details summary")
    assert opener.text == "rl+prm on toy/L1/sums, seed 0: steps 0, 14, 29"
    opener.click()
    plots = find_all(page, "#rewards details figure")
    assert [plot.find_element(By.TAG_NAME, "figcaption").text for plot in plots] == [
        f"{source}, step {step}" for source in ("R", "prm") for step in (0, 14, 29)
    ]
    plots[0].find_element(By.CSS_SELECTOR, "svg a").send_keys(Keys.ENTER)
    wait_until(page, lambda b: find_all(b, "#group .answers"))
    assert find(page, "#group h3").text == "R from 0 to 0.1, step 0 of rl+prm on toy/L1/sums, seed 0, 2 questions"
    groups = find_all(page, "#group .answers")
    assert [len(group.find_elements(By.CSS_SELECTOR, ".answer.chosen")) for group in groups] == [4, 4]
    assert "R 0.05" in groups[0].text
    plots[3].find_element(By.CSS_SELECTOR, 'svg a[href*="bar=9"]').send_keys(Keys.ENTER)
    wait_until(page, lambda b: find(b, "#group h3").text.startswith("prm: f from 0.9 to 1, step 0"))
    assert len(find_all(page, "#group .answers:first-of-type .answer.chosen")) == 2  # of two questions, one each


def test_tables_and_plots_stand_without_javascript(page: webdriver.Chrome, address: str) -> None:
    page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page.get("about:blank")
        page.get(address)
        assert "rl+prm" in find(page, "#arms table").text
        assert find(page, ".conclusion").text.startswith("Best arm: rl+prm")
        assert find_all(page, "#rewards svg rect.up")
        assert "needs JavaScript" in find(page, "#waiting").text
        assert not find(page, "#browser").is_displayed()
    finally:
        page.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_on_paper_the_controls_are_left_out(page: webdriver.Chrome) -> None:
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert not find(page, "nav").is_displayed()
        assert not find(page, "#answers").is_displayed()
        assert find(page, "#arms table").is_displayed()
    finally:
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_a_page_of_eleven_arms_is_below_two_megabytes(page: webdriver.Chrome, tmp_path: Path) -> None:
    """240 items and three answers of 300 characters each, half as long again as SmolLM2's, with three steps of RL."""
    report = make_large_run(tmp_path, arms=11, items=240, completions=3, characters=300)
    assert write_page(report, summarise(report), tmp_path) == ""  # every answer is whole
    written = tmp_path / PAGE_FILE
    assert 1_000_000 < written.stat().st_size < 2_000_000
    visit(page, written.as_uri())
    assert count(page) == "240 of 240 questions"
    note = find(page, "#rewards details .note").get_attribute("textContent") or ""
    assert note.startswith("21 of the 48 kept groups of answers are here")


def test_answers_of_a_thousand_characters_are_shortened_and_the_page_says_so(
    page: webdriver.Chrome, tmp_path: Path
) -> None:
    report = make_large_run(tmp_path, arms=11, items=240, completions=3, characters=1000)
    shortened = write_page(report, summarise(report), tmp_path)
    written = tmp_path / PAGE_FILE
    assert 1_500_000 < written.stat().st_size < 2_000_000
    visit(page, written.as_uri())
    assert find(page, "#shortened").text == shortened
    assert "of the 7,920 answers the page shows the beginning and the end" in shortened
    assert "are left out" not in find(page, "#item").text  # the arms that it opens with are whole
    choose(page, "first", "rl+plugin-5")
    assert "characters are left out" in find(page, "#item .column").text
    page.execute_script("document.querySelector('#rewards details').open = true")
    bars = find_all(page, '#rewards details svg a[href*="source=prm"]')
    bars[0].send_keys(Keys.ENTER)
    wait_until(page, lambda b: find_all(b, "#group .answers"))
    card = next(card for card in find_all(page, "#group .answer.chosen") if "are left out" in card.text)
    steps = [step.text for step in card.find_elements(By.CSS_SELECTOR, ".step")]
    at = next(n for n, step in enumerate(steps) if "are left out" in step)
    assert re.match(r"[01]\.\d\d\n", steps[at - 1])  # steps keep their own scores on both sides of what is left out
    assert re.match(r"[01]\.\d\d\n", steps[at + 1])


def test_ten_thousand_long_rollouts_open_within_two_seconds(page: webdriver.Chrome, tmp_path: Path) -> None:
    """Answers of 1,500 characters. The time is that of the page's main thread alone, so that other work on the machine
    does not count."""
    report = make_large_run(tmp_path, arms=3, items=240, completions=14, characters=1500)
    assert write_page(report, summarise(report), tmp_path, whole=True) == ""
    written = tmp_path / PAGE_FILE
    assert 5_000_000 < written.stat().st_size < 15_000_000
    page.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
    before = read_seconds(page)
    visit(page, written.as_uri())
    assert read_seconds(page) - before < 2
    assert len(find_all(page, "#item .answer")) == 28


def read_seconds(page: webdriver.Chrome) -> float:
    """Processor time of the page's main thread."""
    metrics = page.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))
