"""Write the code into docs/plugins/*.md: each block below a line that names a file of docs/examples or a kind.

    From [bm25_retriever.py](../examples/bm25_retriever.py):
    `openrft plugins new my-teacher --kind teacher` writes this:
    Its test, which `openrft plugins new` writes, too:

Run it from the repository's root: `python docs/make_plugin_pages.py`. A test wants the pages as it leaves them.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from openrft.scaffold.write import write_plugin

ROOT = Path(__file__).parents[1]
SOURCE = re.compile(
    r"(?P<line>^From \[(?P<file>[^\]]+)\]\(\.\./examples/(?P=file)\):"
    r"|^`openrft plugins new (?P<name>\S+) --kind (?P<kind>\w+)` writes this:"
    r"|^Its test, which `openrft plugins new` writes, too:)\n\n```python\n.*?```\n",
    re.MULTILINE | re.DOTALL,
)


def fill_blocks(page: str) -> str:
    """The page with the code of every block that has a source."""
    test = ""

    def fill(found: re.Match[str]) -> str:
        nonlocal test
        if found["file"]:
            code = (ROOT / "docs" / "examples" / found["file"]).read_text("utf-8")
        elif found["kind"]:
            code, test = write_package(found["name"], found["kind"])
        else:
            code = test
        return f"{found['line']}\n\n```python\n{code}```\n"

    return SOURCE.sub(fill, page)


def write_package(name: str, kind: str) -> tuple[str, str]:
    """The module of a new package of a kind, and its own test; for one without any, that of the conformance kit."""
    with tempfile.TemporaryDirectory() as folder:
        texts = {path.name: path.read_text("utf-8") for path in write_plugin(name, kind, Path(folder))}
        return texts["__init__.py"], texts.get("test_plugin.py", texts["test_conformance.py"])


def main() -> None:
    """Every page, in place."""
    for path in sorted((ROOT / "docs" / "plugins").glob("*.md")):
        path.write_text(fill_blocks(path.read_text("utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
