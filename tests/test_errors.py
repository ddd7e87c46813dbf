"""What a user reads of an error: message and advice are sentences of their own."""

from __future__ import annotations

import pickle

import pytest

from openrft.errors import CheckpointError, DataError, OpenRFTError, UsageError


@pytest.mark.parametrize(
    ("message", "advice", "shown"),
    [
        ("./x was not found", "Set OPENAI_API_KEY.", "./x was not found. Set OPENAI_API_KEY."),
        ("./x was not found.", "Check the path.", "./x was not found. Check the path."),
        ("x: it said 'no'..", "Try again.", "x: it said 'no'. Try again."),
        ("x: it said more ...", "Try again.", "x: it said more ... Try again."),
        ("is x there?", "Look.", "is x there? Look."),
        ("x has (a remark)", "Look.", "x has (a remark). Look."),
        ("x ends with a line\n", "Look.", "x ends with a line. Look."),
        ("it stands alone", "", "it stands alone"),
        ("", "Look.", "Look."),
    ],
)
def test_advice_begins_a_new_sentence(message: str, advice: str, shown: str) -> None:
    assert str(UsageError(message, advice)) == shown


@pytest.mark.parametrize("kind", [UsageError, DataError, CheckpointError])
def test_an_error_from_another_process_says_the_same(kind: type[OpenRFTError]) -> None:
    fault = kind("./x was not found", "Check the path.")
    again = pickle.loads(pickle.dumps(fault))
    assert (str(again), again.message, again.exit_code) == (str(fault), fault.message, fault.exit_code)
