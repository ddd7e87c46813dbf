"""Records reach standard error with the job's name, as much of them as was asked for, from workers too."""

from __future__ import annotations

import logging
import subprocess
import sys
import warnings

import pytest

from openrft.runtime import logging as module
from openrft.runtime.logging import configure_logging, configure_worker_logging, follow_verbosity, name_job


@pytest.fixture(autouse=True)
def restored():
    """Leaves the loggers as they were."""
    root, own = logging.getLogger(), logging.getLogger("openrft")
    handlers, level, show = list(root.handlers), own.level, warnings.showwarning
    yield
    root.handlers[:] = handlers
    own.setLevel(level)
    warnings.showwarning = show


@pytest.mark.parametrize(("verbosity", "shown"), [(0, "w"), (1, "iw"), (2, "diw"), (5, "diw")])
def test_each_v_shows_more_of_our_records_and_no_more_of_others(capsys, verbosity, shown):
    configure_logging(verbosity)
    follow_verbosity("someones_plugin")
    for name in ("openrft.stages", "someones_plugin.model", "library"):
        logger = logging.getLogger(name)
        logger.debug("d")
        logger.info("i")
        logger.warning("w")
    lines = capsys.readouterr().err.splitlines()
    assert "".join(line[-1] for line in lines) == shown * 2 + "w"


def test_a_warning_of_several_jobs_is_shown_once_and_with_v_each_time(capsys):
    for verbosity, times in ((0, 1), (1, 3)):
        configure_logging(verbosity)
        for number in range(3):
            with name_job(f"job {number}"):
                logging.getLogger("openrft.x").warning("the folder %s is odd", "\x1b[31mred")
        shown = capsys.readouterr().err
        assert shown.count("is odd") == times
        assert "\x1b" not in shown


def test_a_record_carries_its_job(capsys):
    configure_logging(1)
    with name_job("rl on toy/sums, seed 0"):
        logging.getLogger("openrft.x").info("inside")
    logging.getLogger("openrft.x").info("outside")
    inside, outside = capsys.readouterr().err.splitlines()
    assert inside.endswith("INFO openrft.x: [rl on toy/sums, seed 0] inside")
    assert outside.endswith("INFO openrft.x: outside")


def test_a_workers_record_crosses_as_text(capsys):
    sent = []
    configure_worker_logging(sent.append, logging.INFO)
    with name_job("job 1"):
        try:
            raise ValueError("boom")
        except ValueError:
            logging.getLogger("openrft.x").exception("it broke on %s", object)
    configure_logging(1)
    (record,) = sent
    assert (record.args, record.exc_info) == (None, None)
    logging.getLogger(record.name).handle(record)
    shown = capsys.readouterr().err
    assert "[job 1] it broke on <class 'object'>" in shown
    assert "ValueError: boom" in shown


def test_python_warnings_are_one_line_of_the_log(capsys):
    configure_logging(0)
    module.warnings.showwarning("old name", DeprecationWarning, "file.py", 3)
    assert "WARNING py.warnings: DeprecationWarning: old name (file.py:3)" in capsys.readouterr().err


@pytest.mark.parametrize(
    "flags", [["-v", "plugins", "list"], ["plugins", "list", "--verbose"], ["plugins", "-vv", "list"]]
)
def test_verbose_is_understood_anywhere_on_the_line(flags):
    done = subprocess.run([sys.executable, "-m", "openrft", *flags], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
