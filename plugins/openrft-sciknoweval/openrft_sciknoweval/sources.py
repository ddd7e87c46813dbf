"""Where rows come from: a folder or file of JSON, a prepared store, or the hub. Each gives the same shards.

`open_source` says what a user may write (`--data`, or the environment variable) and what it means. The hub's rows are
read through `datasets`, at pinned revisions: V2 is one file, V1 one a domain.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import Any, Protocol
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from openrft import DataError, UsageError, expand_path
from openrft_sciknoweval.catalogue import DOMAINS, PAPER
from openrft_sciknoweval.folder import Folder, SingleFile
from openrft_sciknoweval.json_reader import RowLocation
from openrft_sciknoweval.rows import RowIterator, Shard, parse_row
from openrft_sciknoweval.selectors import FAMILY, FILE, Selector, build_selectors
from openrft_sciknoweval.store import MANIFEST, PreparedStore

VARIABLE = "OPENRFT_SCIKNOWEVAL_DATA"
REPOSITORY = "hicai-zju/SciKnowEval"
V1_ONLY = frozenset(leaf.name for leaf in PAPER if leaf.v1_only)
_SECONDS = 5.0
_BATCH = 1000  # rows taken from a table at a time
_ADVICE = "Give --data DIR, or set OPENRFT_SCIKNOWEVAL_DATA to a folder with the rows, or connect to the network."


class Source(Protocol):
    """A place that rows come from."""

    @property
    def revision(self) -> str | None:
        """The version of the rows, where the source has one."""
        ...

    def selectors(self) -> dict[str, Selector]:
        """Every name, by its lower-case form, with what there is of it. Reads no rows."""
        ...

    def shards(self, selector: Selector | None, half: bool = False) -> list[Shard]:
        """What to read for a name; for None everything. `half`: take one side of a split where the other is missing.

        Raises DataError if there is nothing, UsageError if name and source cannot go together.
        """
        ...

    def incomplete_tasks(self, selector: Selector) -> list[str]:
        """Tasks of the paper's pool that cannot take part because one of their two sides is missing."""
        ...


def open_source(data: str | None, option: str = "--data") -> Source:
    """The source that a text names; None = what the variable names, or else V2 on the hub.

    `hub` and `hub:v2`, `hub:v1`, the path of a store, of a folder or of a file. Raises DataError if it does not exist.
    """
    given = data or os.environ.get(VARIABLE) or "hub:v2"
    if given == "hub" or given.startswith("hub:"):
        return Hub.from_name(given)
    named = f"{option} " if data else f"{VARIABLE}="
    path = expand_path(given, named)
    if not path.exists():
        raise DataError(f"{named}{given}: no such file or folder.", "Give an existing one, or hub:v1 or hub:v2.")
    if not path.is_dir():
        return SingleFile(path)
    if (path / MANIFEST).is_file():
        return PreparedStore.open(path)
    if any(path.glob("rows-*/*.parquet")):
        raise DataError(f"{path} is an unfinished store.", "Run `openrft tasks prepare sciknoweval` again.")
    return Folder(path)


def find_source_path(data: str | None) -> Path | None:
    """The path that `open_source` reads from; None where it is the hub, or does not exist."""
    given = data or os.environ.get(VARIABLE)
    if not given or given == "hub" or given.startswith("hub:"):
        return None
    path = expand_path(given, "--data " if data else f"{VARIABLE}=")
    return path if path.exists() else None


def identify_source(data: str | None) -> str:
    """A text that is the same for the same source. A path is resolved, and only its hash is given away."""
    given = data or os.environ.get(VARIABLE) or "hub:v2"
    path = expand_path(given)
    return hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16] if path.exists() else given


def describe_source(data: str | None) -> str:
    """What a task's notes call the source: the variable's name rather than its value.

    Reports travel, and one machine's folders mean nothing on another.
    """
    return data or (f"${VARIABLE}" if os.environ.get(VARIABLE) else "hub:v2")


@dataclass(frozen=True, slots=True)
class Version:
    """A state of the data set on the hub."""

    revision: str  # the whole commit
    configs: tuple[tuple[str, str | None, str], ...]  # (config of the data set, domain if all one, file)


VERSIONS = {
    "v2": Version("92ef969ad0a8bd6e195e0ac18af2c46e307e0cc2", (("v2", None, "data/v2/sciknoweval_test_v2.jsonl"),)),
    "v1": Version(
        "5593d379ea8eee1beaafdb1f8310129eaeb9ea12",
        tuple((d, d, f"data/{d}/sciknoweval_{d.lower()}_test.jsonl") for d in DOMAINS),
    ),
}


@dataclass(frozen=True, slots=True)
class Hub:
    """V1 or V2, as published."""

    version: str = "v2"

    @classmethod
    def from_name(cls, text: str) -> Hub:
        """`hub`, `hub:v1` or `hub:v2`. Raises UsageError."""
        version = text.partition(":")[2] or "v2"
        if version not in VERSIONS:
            raise UsageError(
                f"--data {text}: the hub has no such version.", f"There are hub:{', hub:'.join(VERSIONS)}."
            )
        return cls(version)

    @property
    def revision(self) -> str:
        return VERSIONS[self.version].revision

    def selectors(self) -> dict[str, Selector]:
        return build_selectors(v1=self.version == "v1")

    def shards(self, selector: Selector | None, half: bool = False) -> list[Shard]:
        if selector and (selector.paper or selector.name == FILE):
            advice = "Give its files with --data, or set OPENRFT_SCIKNOWEVAL_DATA."
            if selector.leaf:
                version = "v1" if selector.leaf in V1_ONLY else self.version
                advice += f" {FAMILY}/L3/{selector.leaf} with --data hub:{version} draws a split of its rows."
            raise DataError(f"{selector.name} is not on the hub.", advice)
        if selector and selector.leaf in V1_ONLY and self.version == "v2":
            raise DataError(f"{selector.name} is not in V2 of the data.", "Give --data hub:v1 to read V1.")
        return [
            Shard(f"{REPOSITORY} ({config})", partial(self._rows, config, file), domain, published=True)
            for config, domain, file in VERSIONS[self.version].configs
            if not selector or selector.matches(domain, None, None)
        ]

    def incomplete_tasks(self, selector: Selector) -> list[str]:
        return []

    def _rows(self, config: str, file: str) -> RowIterator:
        for number, value in enumerate(_read_config(config, file, self.revision), 1):
            yield RowLocation("row", number, Path(file).name), parse_row(value)


def _read_config(config: str, file: str, revision: str) -> Iterator[dict[str, Any]]:
    """The rows of a config's only split, `test`, as the file has them; a field that a row lacks is None."""
    dataset = _load_from_cache(file, revision) or _load_from_hub(config, revision)
    for batch in dataset.iter(_BATCH):
        yield from (dict(zip(batch, fields, strict=True)) for fields in zip(*batch.values(), strict=True))


def _load_from_cache(file: str, revision: str) -> Any:
    """From the file in the hub's cache, which needs no network; None if it is not there."""
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(REPOSITORY, file, revision=revision, repo_type="dataset")
    return _load_dataset("json", data_files={"test": path}) if isinstance(path, str) else None


def _load_from_hub(config: str, revision: str) -> Any:
    """From the hub, or from the cache of `datasets`. Raises DataError, within seconds, when neither has them."""
    from huggingface_hub import constants

    if not constants.HF_HUB_OFFLINE:
        _check_network(constants.ENDPOINT)
    found = _load_dataset(REPOSITORY, config, revision=revision)
    # Without network `datasets` takes what it has, of whichever revision; the cache's folders are named by it.
    held = {Path(file["filename"]).parent.name for file in found.cache_files}
    if held != {revision}:
        raise DataError(f"the copy of {REPOSITORY} in the cache is not of revision {revision[:8]}.", _ADVICE)
    return found


def _load_dataset(name: str, config: str | None = None, **more: Any) -> Any:
    import datasets

    if not sys.stderr.isatty():
        datasets.disable_progress_bars()
    try:
        return datasets.load_dataset(name, config, split="test", **more)
    except ConnectionError as fault:
        missing = "SciKnowEval is not in the caches, and the hub is out of reach or switched off (HF_HUB_OFFLINE)."
        raise DataError(missing, _ADVICE) from fault
    # Whatever else goes wrong on the way: the disk, a broken download, a file that is not JSON. `datasets` and the
    # hub's client have no common base for it.
    except Exception as fault:
        cause = fault.__cause__ or fault
        first = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
        raise DataError(f"SciKnowEval could not be loaded from the hub: {first[:200]}", _ADVICE) from fault


def _check_network(endpoint: str) -> None:
    """Ask the hub for one answer: its own client retries for half a minute before it gives up."""
    try:
        urlopen(Request(endpoint, method="HEAD"), timeout=_SECONDS).close()
    except HTTPError:
        return  # an answer, if not a welcome one
    except (OSError, HTTPException) as fault:
        raise DataError("SciKnowEval's rows are not here, and the hub cannot be reached.", _ADVICE) from fault
