"""The published file on the hub, at a pinned revision, through the hub's own cache."""

from __future__ import annotations

from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from openrft import DataError
from openrft_sciknoweval.layout import HUB_FILE

REPOSITORY = "hicai-zju/SciKnowEval"
REVISION = "92ef969ad0a8bd6e195e0ac18af2c46e307e0cc2"  # V2
VARIABLE = "OPENRFT_SCIKNOWEVAL_DATA"
_SECONDS = 5.0
_ADVICE = f"Give --data DIR, or set {VARIABLE} to a folder with the rows, or connect to the network."


def hub_file() -> Path:
    """The local copy, downloaded on first use. Raises DataError, within seconds, when the hub is out of reach."""
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import HfHubHTTPError

    cached = try_to_load_from_cache(REPOSITORY, HUB_FILE, revision=REVISION, repo_type="dataset")
    if isinstance(cached, str):
        return Path(cached)
    _reach()
    # The bases of the hub's error are OSError and the root of whichever HTTP library its client uses.
    broken: tuple[type[BaseException], ...] = (OSError, *HfHubHTTPError.__bases__)
    try:
        return Path(hf_hub_download(REPOSITORY, HUB_FILE, revision=REVISION, repo_type="dataset"))
    except broken as fault:
        first = str(fault).strip().splitlines()[0] if str(fault).strip() else type(fault).__name__
        raise DataError(f"SciKnowEval could not be downloaded from the hub: {first}", _ADVICE) from fault


def _reach() -> None:
    """Ask the hub for one answer: its own client retries for half a minute before it gives up."""
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        raise DataError("SciKnowEval is not in the hub's cache, and the hub is switched off (HF_HUB_OFFLINE).", _ADVICE)
    try:
        urlopen(Request(constants.ENDPOINT, method="HEAD"), timeout=_SECONDS).close()
    except HTTPError:
        return  # an answer, if not a welcome one
    except (OSError, HTTPException) as fault:
        raise DataError("SciKnowEval's rows are not here, and the hub cannot be reached.", _ADVICE) from fault
