"""The version of OpenRFT: a file of its own, so that rooms that need it do not import the public face above them."""

__version__ = "0.1.0"
