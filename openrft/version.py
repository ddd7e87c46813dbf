"""The version of OpenRFT: a file of its own, so that modules that need it need not import the whole public API."""

__version__ = "0.1.0"
