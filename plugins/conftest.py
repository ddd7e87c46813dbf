"""Shared by the tests of all plugins: the device that models run on."""

from tests.device import device as device
