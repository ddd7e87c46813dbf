"""Where tests run models, and how closely numbers agree there: the fixture `device`.

`OPENRFT_TEST_DEVICE=cpu` leaves a GPU alone for the whole run, and `cuda` demands one. Without it, one is used if it is
there.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import torch

    from openrft.config.settings import PolicySettings
    from openrft.policies.hf import HFPolicy

WANTED = os.environ.get("OPENRFT_TEST_DEVICE", "")
if WANTED == "cpu":  # for models that go to a GPU by themselves, and for the processes of commands
    os.environ["CUDA_VISIBLE_DEVICES"] = ""

GPU_ROUNDING = 10.0  # tolerances on a GPU: it adds float32 in other orders, and its elementary functions are coarser


@dataclass(frozen=True, slots=True)
class Device:
    """A device, and what is asked of numbers that were computed on it in float32."""

    name: str  # cpu or cuda
    rounding: float  # tolerances are this many times those on a CPU

    @property
    def same_bits(self) -> bool:
        """Whether equal work gives equal bits by itself."""
        return self.name == "cpu"

    def settings(self, **more: Any) -> PolicySettings:
        """For a policy on this device in float32, however small it is."""
        from openrft.config.settings import PolicySettings

        return PolicySettings(device=self.name, dtype="float32", **more)

    def open_policy(self, path: Any) -> HFPolicy:
        """The checkpoint in `path` on this device in float32."""
        from openrft.policies.hf import HFPolicy

        return HFPolicy(str(path), settings=self.settings())

    def tensor(self, values: Any) -> torch.Tensor:
        """A tensor of these values on this device."""
        import torch

        return torch.tensor(values, device=self.name)

    def assert_equal(self, found: Any, expected: Any) -> None:
        """Fails unless the numbers are the same: to the bit where equal work gives equal bits, else within rounding."""
        bound = 0.0 if self.same_bits else 1e-5
        self.assert_close(found, expected, atol=bound, rtol=bound)

    def assert_equal_weights(self, found: Path, expected: Path) -> None:
        """`assert_equal` for the tensors of two safetensors files; on a CPU for the whole files."""
        from safetensors.torch import load_file

        if self.same_bits:
            assert found.read_bytes() == expected.read_bytes()
        one, other = load_file(found), load_file(expected)
        assert one.keys() == other.keys()
        for name, value in one.items():
            self.assert_equal(value, other[name])

    def assert_close(self, found: Any, expected: Any, atol: float, rtol: float = 0.0) -> None:
        """Fails unless the numbers agree to the tolerances, which are those on a CPU. They are lists, or tensors on any
        device."""
        import torch

        one, other = (torch.as_tensor(numbers).detach().cpu() for numbers in (found, expected))
        torch.testing.assert_close(one, other, atol=atol * self.rounding, rtol=rtol * self.rounding)


def choose_device(wanted: str, has_gpu: bool) -> Device:
    """The device of a whole test run. wanted: cpu, cuda, or nothing for a GPU if there is one."""
    if wanted not in ("", "cpu", "cuda"):
        raise pytest.UsageError(f"OPENRFT_TEST_DEVICE={wanted} is no device: write cpu or cuda")
    if wanted == "cuda" and not has_gpu:
        raise pytest.UsageError("OPENRFT_TEST_DEVICE=cuda, and PyTorch sees no GPU")
    on_gpu = wanted == "cuda" or (wanted == "" and has_gpu)
    return Device("cuda", GPU_ROUNDING) if on_gpu else Device("cpu", 1.0)


@pytest.fixture(scope="session")
def device() -> Device:
    """The device of the test run, and the tolerance that numbers have there."""
    import torch

    return choose_device(WANTED, torch.cuda.is_available())
