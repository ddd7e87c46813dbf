"""GGUF files as checkpoints: read through transformers, dequantised once, and kept in the user's cache folder.

The kept folder is an ordinary checkpoint (safetensors, tokenizer, chat template, generation config). Its name is the
fingerprint of the GGUF file's content, so a file that moves is not read again, and a file that changes is.

transformers, torch and gguf are imported only when a file is read.
"""

from __future__ import annotations

import contextlib
import io
import logging
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from openrft.errors import CheckpointError, StoreError, first_line
from openrft.policies.gguf_positions import read_scaling
from openrft.runtime.files import report_disk_errors, write_text
from openrft.runtime.fingerprint import fingerprint_path
from openrft.runtime.logging import silence_transformers
from openrft.types import content_id

if TYPE_CHECKING:
    import torch
    from gguf import GGUFReader

MAGIC = b"GGUF"
FILE = "model.gguf"  # the file's name in a folder of its own
SEAL = ".fingerprint"  # in a kept folder: the fingerprint of its files. A damaged folder is made again.
VERSION = 1  # of what is kept; raise it when the same file would give another checkpoint
# In transformers' list, but no policy can be made of them; the last two are no architectures.
NOT_TEXT_GENERATORS = ("t5", "umt5", "general", "tokenizer")
SMOLLM = "smollm"  # a pre-tokenizer that transformers does not know: every digit is a token

logger = logging.getLogger(__name__)


def is_gguf(path: Path) -> bool:
    """Whether a path is a GGUF file, by its name or by its first bytes."""
    if not path.is_file():
        return False
    return path.suffix.lower() == ".gguf" or _read_magic(path) == MAGIC


def fingerprint_gguf(file: Path) -> str:
    """A text that changes whenever the checkpoint made of this file does. Nothing is made for it.

    Raises CheckpointError for a file that cannot become a checkpoint, before any time is spent.
    """
    if not _is_whole(kept_folder(file)):
        check_gguf(file)
    return content_id("gguf", VERSION, fingerprint_path(file))


def kept_folder(file: Path) -> Path:
    """Where the checkpoint of this GGUF file is kept, whether it exists or not."""
    from platformdirs import user_cache_path

    return user_cache_path("openrft") / "gguf" / content_id(VERSION, fingerprint_path(file))


def convert_gguf(file: Path) -> Path:
    """The folder of the checkpoint made of this GGUF file. It is made once; other processes wait for it.

    A kept folder that has been damaged is made again. Raises CheckpointError for a file that cannot be read as a policy
    and StoreError for a cache folder that cannot be written.
    """
    folder = kept_folder(file)
    if _is_whole(folder):
        return folder
    with _name_cache(), report_disk_errors(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if _is_whole(folder):  # another process made it meanwhile
                return folder
            reader = check_gguf(file)
            began, size = time.perf_counter(), file.stat().st_size / 1e6
            logger.warning("making a checkpoint of %s (%.0f MB), once. It is kept in %s.", file, size, folder)
            aside = folder.with_name(folder.name + ".part")
            shutil.rmtree(aside, ignore_errors=True)
            _write_checkpoint(file, reader, aside)
            write_text(aside / SEAL, fingerprint_path(aside))
            shutil.rmtree(folder, ignore_errors=True)
            aside.rename(folder)
            logger.info("made the checkpoint %s in %.0f s", folder, time.perf_counter() - began)
    return folder


@contextlib.contextmanager
def _name_cache() -> Iterator[None]:
    """In this context a StoreError says how to move the cache, since no option of a command does."""
    try:
        yield
    except StoreError as fault:
        fault.advice = "It holds checkpoints made of GGUF files; set XDG_CACHE_HOME to keep them in another folder."
        raise


def _is_whole(folder: Path) -> bool:
    try:
        return (folder / SEAL).read_text("utf-8") == fingerprint_path(folder)
    except OSError:
        return False


# -- checks before anything heavy is loaded ----------------------------------------------------------------


def check_gguf(file: Path) -> GGUFReader:
    """The open file. Raises CheckpointError if it is cut short, in parts, of an unknown architecture, or if its
    tokenizer does not fit its weights. Reads the header and no weights."""
    if find_spec("gguf") is None:
        raise CheckpointError(
            f"{file} is a GGUF file, which needs the package gguf.", "Run pip install 'openrft[gguf]'."
        )
    magic = _read_magic(file)
    if magic != MAGIC:
        raise CheckpointError(
            f"{file} is not a GGUF file: it begins with {magic!r}, not with {MAGIC!r}.", "Check the path."
        )
    from gguf import GGUFReader

    try:
        reader = GGUFReader(file)
    except Exception as fault:  # the reader finds a short file by errors of many kinds
        size = file.stat().st_size
        raise CheckpointError(
            f"{file} is damaged or cut short after {size:,} bytes: {first_line(fault)}.", "Download it again."
        ) from fault
    _check_architecture(file, reader)
    _check_tokenizer(file, reader)
    return reader


def _read_magic(file: Path) -> bytes:
    with file.open("rb") as data:
        return data.read(len(MAGIC))


def _check_architecture(file: Path, reader: GGUFReader) -> None:
    parts = read_value(reader, "split.count") or 1
    if parts > 1:
        raise CheckpointError(
            f"{file} is one of {parts} parts of a model.",
            "Join them with llama-gguf-split --merge and give the result.",
        )
    known = _list_architectures()
    name = str(read_value(reader, "general.architecture"))
    if _plain(name) not in map(_plain, known):
        raise CheckpointError(
            f"{file} has the architecture {name}, which transformers does not read from GGUF.",
            f"It reads {', '.join(known)}. Give a checkpoint folder with safetensors weights.",
        )


def _list_architectures() -> list[str]:
    """The architectures that the installed transformers reads and that generate text."""
    from transformers.modeling_gguf_pytorch_utils import GGUF_SUPPORTED_ARCHITECTURES

    names = set(GGUF_SUPPORTED_ARCHITECTURES)
    with contextlib.suppress(ImportError):  # its second reader, which releases before 5.23 do not have
        from transformers.integrations.gguf import GGUF_CONFIG_ARCHS

        names |= set(GGUF_CONFIG_ARCHS)
    return sorted(names - {*NOT_TEXT_GENERATORS})


def _plain(name: str) -> str:
    """Files write gpt-oss and qwen2moe, where transformers writes gpt_oss and qwen2_moe."""
    return name.replace("_", "").replace("-", "")


def _check_tokenizer(file: Path, reader: GGUFReader) -> None:
    tokens = reader.fields.get("tokenizer.ggml.tokens")
    if tokens is None:
        raise CheckpointError(f"{file} holds no tokenizer.", "Convert the model again, with its tokenizer.")
    rows = next((int(t.shape[1]) for t in reader.tensors if t.name == "token_embd.weight"), None)
    if rows is None:
        raise CheckpointError(f"{file} holds no token embeddings (token_embd.weight).", "Download it again.")
    if rows != len(tokens.data):
        raise CheckpointError(
            f"{file}: its tokenizer has {len(tokens.data):,} tokens, and its embeddings have {rows:,} rows.",
            "Convert the model again, with the tokenizer that it was trained with.",
        )


def read_value(reader: GGUFReader, key: str) -> Any:
    """A value of the file's metadata; None if it is not there."""
    field = reader.fields.get(key)
    return None if field is None else field.contents()


# -- the checkpoint ----------------------------------------------------------------------------------------


def _write_checkpoint(file: Path, reader: GGUFReader, folder: Path) -> None:
    """Write model and tokenizer to `folder`. Raises CheckpointError, which names the file."""
    try:
        with silence_transformers(), _silence_bars(), tempfile.TemporaryDirectory(prefix="openrft-gguf-") as alone:
            (Path(alone) / FILE).symlink_to(file.resolve())  # transformers would read configs beside the file
            tokenizer = _read_tokenizer(alone, reader)
            model = _read_model(alone, file, reader)
    except CheckpointError:
        raise
    except Exception as fault:
        raise CheckpointError(
            f"transformers cannot read {file}: {first_line(fault)}",
            "Give a checkpoint folder with safetensors weights.",
        ) from fault
    model.save_pretrained(folder, safe_serialization=True)
    tokenizer.save_pretrained(folder)


def _choose_dtype(reader: GGUFReader) -> torch.dtype:
    """The precision to keep: that of most weights, and bfloat16 for quantised ones, which hold fewer digits."""
    import torch

    kinds: Counter[str] = Counter()
    for tensor in reader.tensors:
        kinds[tensor.tensor_type.name] += int(tensor.n_elements)
    return {"F32": torch.float32, "F16": torch.float16}.get(kinds.most_common(1)[0][0], torch.bfloat16)


def _read_tokenizer(alone: str, reader: GGUFReader) -> Any:
    from tokenizers import pre_tokenizers
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(alone, gguf_file=FILE)
    if read_value(reader, "tokenizer.ggml.pre") == SMOLLM:
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
    return tokenizer


def _read_model(alone: str, file: Path, reader: GGUFReader) -> Any:
    """The model with plain weights. The one that transformers reads refuses to be saved, as a quantised model would."""
    import torch
    from transformers import AutoModelForCausalLM

    dtype = _choose_dtype(reader)
    loader: Any = AutoModelForCausalLM  # typed as if it gave a model alone
    read, found = loader.from_pretrained(alone, gguf_file=FILE, dtype=dtype, output_loading_info=True)
    if found["missing_keys"]:
        names = sorted(found["missing_keys"])
        raise CheckpointError(
            f"{file} lacks weights of its architecture: {', '.join(names[:3])}"
            f"{f' and {len(names) - 3} more' if len(names) > 3 else ''}.",
            "Download it again.",
        )
    del read.config.quantization_config
    read.config.dtype = dtype
    try:
        if scaling := read_scaling(reader, read.config):
            read.config.rope_parameters = {**read.config.rope_parameters, **scaling}
    except CheckpointError as fault:
        fault.message = f"{file}: {fault.message}"
        raise
    with torch.device("meta"):
        model = type(read)(read.config)
    model.load_state_dict(read.state_dict(), assign=True)
    model.tie_weights()
    model.generation_config = read.generation_config
    return model


@contextlib.contextmanager
def _silence_bars() -> Iterator[None]:
    """Without the progress bar that transformers draws whatever it is told, across the lines of other jobs."""
    with contextlib.redirect_stderr(io.StringIO()):
        yield
