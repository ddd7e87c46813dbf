"""The code behind a result: digests of the modules that it can reach, and versions of libraries.

A digest depends on what the code does. Comments, docstrings and the help of options are left out, so that rewording
them does not make RL run again.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import hashlib
from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

# The core's numerical libraries, and those that compare answers; not all need be installed.
LIBRARIES = ("torch", "transformers", "peft", "vllm", "math-verify", "sympy", "rdkit")
CORE = Path(__file__).parents[1]  # the folder of the package openrft
CHANGES_NO_RESULT = (  # modules above the stages, and those that only report progress or count money
    "openrft.cli",
    "openrft.bench",
    "openrft.pipeline",
    "openrft.testing",
    "openrft.runtime.logging",
    "openrft.runtime.paid",
    "openrft.runtime.progress",
    "openrft.runtime.text",
    "openrft.runtime.tracking",
)


@functools.cache
def digest_reachable(module: str) -> str:
    """Digest of a module of openrft and of all modules that it can reach."""
    return _digest_files(list_reachable([module], CORE).values(), CORE)


@functools.cache
def digest_package(package: str) -> str:
    """Digest of a package's Python files, and of every module of openrft that they can reach."""
    file = find_package_file(package)
    if file is None:
        return _digest_files((), CORE)
    path = Path(file)
    files = sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]
    imported = [module for one in files for module in find_imports(one.read_bytes(), package, CORE)]
    reached = list_reachable(imported, CORE).values()
    return _digest_files(files, path.parent) + _digest_files(reached, CORE)


def list_reachable(modules: Iterable[str], root: Path) -> dict[str, Path]:
    """The modules and everything that they import, directly or not, at module level or in functions, with their files.

    `root` is the folder of the package whose modules are followed. Its own `__init__` is left out, because it imports
    all public names. Imports for type checkers and the modules in CHANGES_NO_RESULT are left out too.
    """
    waiting, found = list(modules), dict[str, Path]()
    while waiting:
        module = waiting.pop()
        file = _find_module_file(module, root)
        if file is None or module in found or _changes_no_result(module):
            continue
        found[module] = file
        package = module if file.name == "__init__.py" else module.rpartition(".")[0]
        waiting += [module.rpartition(".")[0], *find_imports(file.read_bytes(), package, root)]
    return dict(sorted(found.items()))


@functools.lru_cache(maxsize=1024)
def find_imports(source: bytes, package: str, root: Path) -> tuple[str, ...]:
    """Modules of the package in `root` that this source may import. Some may be names inside modules.

    `package` is where relative imports begin. A public name of the package means the module that it comes from.
    """
    tree, top = _parse(source), root.name
    aliases = {top}  # names of the package itself in this source
    found = []
    for node in _walk_at_run_time(tree) if tree else ():
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
            aliases |= {alias.asname for alias in node.names if alias.name == top and alias.asname}
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*parents, *([node.module] if node.module else [])])
            found += [base, *(f"{base}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in aliases:
            found.append(f"{top}.{node.attr}")
        elif isinstance(node, ast.Call) and _name_of(node.func) == "import_module" and node.args:
            found += [str(arg.value) for arg in node.args[:1] if isinstance(arg, ast.Constant)]
    face = _read_face((root / "__init__.py").read_bytes(), root.name)
    return tuple(dict.fromkeys(face.get(name, name) for name in found if name.split(".")[0] == top))


@functools.lru_cache(maxsize=1024)
def digest_source(source: bytes) -> str:
    """Digest of what a source file does: its syntax tree without docstrings and the help of options."""
    tree = _parse(source)
    if tree is None:
        return hashlib.sha256(source).hexdigest()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if node.body and ast.get_docstring(node, clean=False) is not None:
                node.body = node.body[1:]
        elif isinstance(node, ast.Call) and _name_of(node.func) == "option":
            node.keywords = [keyword for keyword in node.keywords if keyword.arg not in ("help", "source", "metavar")]
    return hashlib.sha256(ast.dump(tree).encode("utf-8", "surrogatepass")).hexdigest()


def installed_versions(names: Iterable[str]) -> dict[str, str]:
    """Versions of the installed distributions among `names`, by name."""
    found = {}
    for name in sorted(set(names)):
        with contextlib.suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def find_package_file(package: str) -> str | None:
    """The file of a package or module; None for a namespace package."""
    return getattr(import_module(package), "__file__", None)


def _digest_files(files: Iterable[Path], root: Path) -> str:
    rows = [f"{file.relative_to(root).as_posix()} {digest_source(file.read_bytes())}" for file in files]
    return hashlib.sha256("\n".join(sorted(rows)).encode()).hexdigest()[:16]


def _find_module_file(module: str, root: Path) -> Path | None:
    """The module's file. None for the package in `root` itself, other packages, and names that are not modules."""
    top, *parts = module.split(".")
    if top != root.name or not parts:
        return None
    place = root.joinpath(*parts)
    return next((file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()), None)


def _changes_no_result(module: str) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in CHANGES_NO_RESULT)


@functools.lru_cache(maxsize=16)
def _read_face(source: bytes, package: str) -> dict[str, str]:
    """The public names of a package, as the imports for type checkers of its `__init__` list them -> their modules."""
    tree = _parse(source)
    imports = [
        node for node in ast.walk(tree or ast.Module([], [])) if isinstance(node, ast.ImportFrom) and node.module
    ]
    return {f"{package}.{alias.name}": str(node.module) for node in imports for alias in node.names}


def _parse(source: bytes) -> ast.Module | None:
    """The syntax tree; None for a file that is not Python, such as a template of a plugin."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):
        return None


def _walk_at_run_time(node: ast.AST) -> Iterator[ast.AST]:
    """Every node below this one, without the blocks for type checkers."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and _name_of(child.test) == "TYPE_CHECKING":
            for other in child.orelse:
                yield from (other, *_walk_at_run_time(other))
        else:
            yield from (child, *_walk_at_run_time(child))


def _name_of(node: ast.expr) -> str:
    """The last part of a name such as `typing.TYPE_CHECKING`; empty for anything else."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
