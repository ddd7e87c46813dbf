"""A pytest plugin: each check of the conformance kit as a test of its own.

    @pytest.mark.openrft_plugin("my-plugin", options={"my_option": "value"})
    def test_conformance(openrft_check):
        openrft_check()

pytest loads this file wherever OpenRFT is installed, so it imports nothing before a test asks for the fixture.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from openrft.testing.conformance.subject import Subject

FIXTURE, MARKER = "openrft_check", "openrft_plugin"
_OTHER_PROCESS = pytest.StashKey[Any]()  # an OtherProcess


class ConformanceWarning(UserWarning):
    """A finding that may be intended, such as a reward for something other than right answers."""


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(name, options=None, task=None, request=None, policy=None): the installed plugin that {FIXTURE}"
        " checks, with its options; a task of its family and its data; what its trainer trains",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each check that applies to the plugin."""
    if FIXTURE not in metafunc.fixturenames:
        return
    from openrft.errors import OpenRFTError
    from openrft.testing.conformance.kit import list_checks
    from openrft.testing.conformance.other_process import OtherProcess
    from openrft.testing.conformance.subject import Subject

    marker = metafunc.definition.get_closest_marker(MARKER)
    if marker is None:
        pytest.fail(f'write @pytest.mark.{MARKER}("NAME") above {metafunc.function.__name__}', pytrace=False)
    other = metafunc.config.stash.setdefault(_OTHER_PROCESS, OtherProcess())
    try:
        subject = Subject(*marker.args, **{**marker.kwargs, "other_process": other})
        checks = list_checks(subject)
    except OpenRFTError as fault:
        pytest.fail(str(fault), pytrace=False)
    cases = [pytest.param((subject, check), id=check.replace(" ", "-")) for check in checks]
    metafunc.parametrize(FIXTURE, cases, indirect=True)


@pytest.fixture
def openrft_check(request: pytest.FixtureRequest) -> Callable[[], None]:
    """A fixture that runs one check of the plugin in the marker. A fault fails the test; a warning becomes pytest's."""
    subject: Subject
    subject, name = request.param

    def check() -> None:
        from openrft.testing.conformance.kit import run_check

        found = run_check(subject, name)
        said = f"{subject.name}, {found.check}: {found.finding}. {found.advice}".strip()
        if found.verdict == "fault":
            pytest.fail(said, pytrace=False)
        if found.verdict == "not run":
            pytest.skip(said)
        if found.verdict == "warning":
            warnings.warn(said, ConformanceWarning, stacklevel=2)

    return check


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the process that was started for the checks."""
    if _OTHER_PROCESS in config.stash:
        config.stash[_OTHER_PROCESS].close()
