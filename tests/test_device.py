"""The fixture `device`: where a run's models are, and what is asked of their numbers."""

from __future__ import annotations

import pytest

from tests.device import GPU_ROUNDING, Device, choose_device


@pytest.mark.parametrize(
    ("wanted", "has_gpu", "name", "rounding"),
    [
        ("", False, "cpu", 1.0),
        ("", True, "cuda", GPU_ROUNDING),
        ("cpu", True, "cpu", 1.0),
        ("cuda", True, "cuda", GPU_ROUNDING),
    ],
)
def test_a_gpu_is_used_where_it_is_unless_told_otherwise(
    wanted: str, has_gpu: bool, name: str, rounding: float
) -> None:
    found = choose_device(wanted, has_gpu)
    assert (found.name, found.rounding, found.same_bits) == (name, rounding, name == "cpu")


@pytest.mark.parametrize(("wanted", "message"), [("cuda", "sees no GPU"), ("gpu", "write cpu or cuda")])
def test_what_is_not_there_is_said(wanted: str, message: str) -> None:
    with pytest.raises(pytest.UsageError, match=message):
        choose_device(wanted, has_gpu=False)


def test_tolerances_are_those_of_the_device() -> None:
    on_cpu, on_gpu = Device("cpu", 1.0), Device("cuda", 10.0)
    for device in (on_cpu, on_gpu):
        device.assert_close([1.0], [1.0 + 0.9e-5], atol=1e-5)
    on_gpu.assert_close([1.0], [1.0 + 9e-5], atol=1e-5)
    on_gpu.assert_equal([1.0], [1.0 + 1e-6])
    for check in (
        lambda: on_cpu.assert_close([1.0], [1.0 + 9e-5], atol=1e-5),
        lambda: on_gpu.assert_close([1.0], [1.0 + 2e-4], atol=1e-5),
        lambda: on_cpu.assert_equal([1.0], [1.0 + 1e-6]),
        lambda: on_gpu.assert_equal([1.0], [1.0 + 1e-3]),
    ):
        with pytest.raises(AssertionError, match="Mismatched elements"):
            check()
