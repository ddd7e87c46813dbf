"""`openrft serve`: a policy behind an OpenAI-compatible server, that of vLLM or of transformers.

The library's own command takes the place of this process. Nothing of the server is written here.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import click

from openrft.cli.completions import complete_policies
from openrft.cli.options import INTEGER
from openrft.cli.printing import print_text

EPILOG = """\b
Examples:
  openrft serve my-policy
  openrft serve my-policy --port 9000 --with transformers
  openrft serve my-policy --with vllm --name lattice --context 4096
\b
Ask it from another terminal:
  openrft evaluate --task questions --data mine.csv --policy openai:http://127.0.0.1:8000/v1#my-policy
"""

TRANSFORMERS_NEEDS = ("fastapi", "openai", "uvicorn")  # transformers has all else that its server needs
VLLM_MODULE, TRANSFORMERS_MODULE = "vllm.entrypoints.cli.main", "transformers.cli.transformers"  # of their commands


@click.command("serve", epilog=EPILOG)
@click.argument("policy", metavar="DIR", shell_complete=complete_policies)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on; 0.0.0.0: all.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="The port to listen on.")
@click.option(
    "--name",
    default=None,
    metavar="NAME",
    help="The model's name in requests (vLLM only).  [default: the folder's name]",
)
@click.option(
    "--with",
    "library",
    type=click.Choice(["vllm", "transformers"]),
    default=None,
    help="Which server to use.  [default: vLLM's if it is installed, else transformers']",
)
@click.option(
    "--dtype", default="auto", show_default=True, metavar="TYPE", help="Precision of the weights; auto: as saved."
)
@click.option(
    "--context",
    type=click.IntRange(min=1),
    default=None,
    metavar="TOKENS",
    help="Maximum tokens of prompt and answer together (vLLM only); less needs less memory.  [default: the model's]",
)
@click.option(
    "--seed", type=INTEGER, default=0, show_default=True, help="Seed of the sampling for requests without one."
)
def command(
    policy: str,
    host: str,
    port: int,
    name: str | None,
    library: str | None,
    dtype: str,
    context: int | None,
    seed: int,
) -> None:
    """Serve a policy to OpenAI clients. DIR is a checkpoint folder, a GGUF file, a hub id or an included model.

    vLLM's server (`vllm serve`) or transformers' own (`transformers serve`) does it. A folder that OpenRFT wrote brings
    its instruction in the chat template and its temperature and longest answer in generation_config.json. Both servers
    use them where a request says nothing else; transformers' server allows at least 1,024 tokens. A server shows no
    demonstrations and chooses among no completions (vote, best-of-n): `openrft predict` does. Ctrl-C ends it.
    """
    library = choose_library(library)
    found = find_model(policy)
    for line in list_differences(policy):
        print_text(f"note: {line}", err=True)
    if library == "transformers":
        _make_hub_cache()
    launch = build_launch(library, found, host=host, port=port, name=name, dtype=dtype, context=context, seed=seed)
    check_address(host, port)
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    shown = f"[{shown}]" if ":" in shown else shown
    print_text(f"{library} serves {policy} as {launch.name}: --policy openai:http://{shown}:{port}/v1#{launch.name}")
    sys.stdout.flush()
    os.chdir(launch.folder)
    os.execvp(launch.arguments[0], launch.arguments)


def _make_hub_cache() -> None:
    """The folder of downloaded models. Without it, the server of transformers cannot list the models that it serves."""
    from huggingface_hub.constants import HF_HUB_CACHE

    with contextlib.suppress(OSError):
        Path(HF_HUB_CACHE).mkdir(parents=True, exist_ok=True)


def list_differences(policy: str) -> list[str]:
    """How the policy was evaluated and no server asks it, one line each."""
    from openrft.plugins.policy_registry import describe_policy

    about = describe_policy(policy)
    found = []
    if about and about.demonstrations:
        found.append("a server shows no demonstrations, with which this policy was evaluated: use `openrft predict`.")
    if about and about.answering:
        found.append(
            f"a server gives single completions, and this policy was evaluated with {next(iter(about.answering))}:"
            " use `openrft predict`."
        )
    return found


@dataclass(frozen=True, slots=True)
class Launch:
    """The library's command: its arguments, the folder that it starts in, and the model's name in requests."""

    arguments: list[str]
    folder: Path
    name: str


def choose_library(asked: str | None) -> str:
    """The library that serves. Raises UsageError if it, or what its server needs, is not installed."""
    from openrft.errors import UsageError

    library = asked or ("vllm" if find_spec("vllm") else "transformers")
    if library == "vllm" and not find_spec("vllm"):
        raise UsageError("vLLM is not installed.", "Run pip install 'openrft[vllm]', or give --with transformers.")
    missing = [name for name in TRANSFORMERS_NEEDS if not find_spec(name)]
    if library == "transformers" and missing:
        raise UsageError(f"the server of transformers needs {', '.join(missing)}.", "Run pip install 'openrft[serve]'.")
    return library


def find_model(policy: str) -> str:
    """The folder or hub id to serve. Raises CheckpointError or UsageError for what is no whole model."""
    from openrft.errors import UsageError
    from openrft.plugins.policy_registry import resolve_checkpoint
    from openrft.policies.checkpoint_files import check_checkpoint, check_config, read_adapter_base

    found = resolve_checkpoint(policy)
    folder = Path(found)
    if not folder.is_dir():
        return found
    if read_adapter_base(folder) is not None:
        raise UsageError(f"{policy} is an adapter without its base.", "Export the arm again without --adapter.")
    check_checkpoint(folder)
    check_config(found)
    return str(folder.resolve())


def build_launch(
    library: str, model: str, *, host: str, port: int, name: str | None, dtype: str, context: int | None, seed: int
) -> Launch:
    """The command of the library that serves `model`, a folder or hub id.

    Raises UsageError for an option that transformers' server does not have. It knows a model by its path alone, so it
    starts in the folder above, where that path is the folder's name.
    """
    from openrft.errors import UsageError

    folder = Path(model)
    own = folder.name if folder.is_dir() else model
    python = (sys.executable, "-P", "-m")  # -P: files in the folder that it starts in are not imported
    where = ("--host", host, "--port", str(port), "--dtype", dtype)
    if library == "vllm":
        served = name or own
        more = () if context is None else ("--max-model-len", str(context))
        how = ("--served-model-name", served, "--generation-config", "auto", "--seed", str(seed), *more)
        return Launch([*python, VLLM_MODULE, "serve", model, *where, *how], Path.cwd(), served)
    if name not in (None, own):
        raise UsageError(
            f"--name {name}: the server of transformers names a model by its folder.",
            f"Leave it out (the name is {own}), rename the folder, or serve with vLLM.",
        )
    if context is not None:
        raise UsageError("--context: the server of transformers has no such limit.", "Leave it out.")
    above = folder.parent if folder.is_dir() else Path.cwd()
    how = ("--default-seed", str(seed))
    return Launch([*python, TRANSFORMERS_MODULE, "serve", own, *where, *how], above, own)


def check_address(host: str, port: int) -> None:
    """Raises UsageError for an address that cannot be listened on: a library says so only after it loaded the model."""
    from openrft.errors import UsageError

    try:
        kind, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(kind, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as fault:
        reason = fault.strerror or fault
        raise UsageError(f"cannot listen on {host}:{port}: {reason}.", "Give another --host or --port.") from fault
