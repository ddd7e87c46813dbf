"""MkDocs hooks: pages and files from outside docs/ join the site, and links to them are written anew.

README.md becomes the first page. Every other file keeps its path from the repository's root. What a page links to joins
the site with it: Markdown as a page, other files as they are. A link to a folder leads to its README.md.

The page of the API gets one entry for each name that openrft/__init__.py and openrft/testing/__init__.py offer.
"""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
FIRST = ("README.md", "CONTRIBUTING.md")  # outside docs/; the plugins' READMEs come besides
# A Markdown link or picture to a place in the repository: its text, its target, its anchor.
LINK = re.compile(r"(\[(?:[^\]\[]|\[[^\]]*\])*\])\((?!https?://)([^)#\s]*)(#[^)\s]*)?\)")


def find_target(source: Path, target: str) -> Path | None:
    """The file that `source` links to; None for a folder without README.md. Raises PluginError for a dead link."""
    place = (source.parent / target).resolve() if target else source
    if not place.exists():
        raise PluginError(f"{source.relative_to(ROOT)} links to {target}, which is not there")
    if place.is_dir():
        place = place / "README.md"
    return place if place.is_file() else None


def name_in_site(place: Path) -> str:
    """The path of a file of the repository in the site's sources."""
    path = PurePosixPath(place.relative_to(ROOT).as_posix())
    if str(path) == "README.md":
        return "index.md"
    return str(path.relative_to("docs")) if path.parts[0] == "docs" else str(path)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages outside docs/, and all that any page links to, and so on."""
    waiting = [ROOT / name for name in FIRST] + sorted([*ROOT.glob("plugins/*/README.md"), *ROOT.glob("docs/**/*.md")])
    seen = set(waiting)
    while waiting:
        place = waiting.pop()
        name = name_in_site(place)
        known = files.get_file_from_path(name)
        if known is None:
            files.append(File.generated(config, name, abs_src_path=str(place)))
        elif known.inclusion is InclusionLevel.EXCLUDED:
            known.inclusion = InclusionLevel.INCLUDED
        if place.suffix == ".md":
            links = LINK.findall(place.read_text("utf-8"))
            found = {other for _, target, _ in links if (other := find_target(place, target))} - seen
            seen |= found
            waiting += sorted(found)
    return files


def list_entries(package: str) -> str:
    """One entry of mkdocstrings for each public name of the package: where it is defined, under the name alone."""
    tree = ast.parse((ROOT / package.replace(".", "/") / "__init__.py").read_text("utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    public = {(name.asname, node.module) for node in imports for name in node.names if name.asname == name.name}
    options = "    options:\n      show_root_heading: true\n      show_root_full_path: false\n"
    return "\n".join(f"::: {module}.{name}\n{options}" for name, module in sorted(public) if module and name[0] != "_")


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let every link lead to where its target is in the site. One to a folder without README.md becomes plain text."""
    source = ROOT / "README.md" if page.file.src_uri == "index.md" else Path(str(page.file.abs_src_path))

    def rewrite(match: re.Match[str]) -> str:
        text, target, anchor = match[1], match[2], match[3] or ""
        if not target:
            return match[0]
        place = find_target(source, target)
        if place is None:
            return text[1:-1]
        return f"{text}({os.path.relpath(name_in_site(place), PurePosixPath(page.file.src_uri).parent)}{anchor})"

    linked = LINK.sub(rewrite, markdown).replace("::: openrft\n", list_entries("openrft"))
    kit = "::: openrft.testing\n"  # what its docstring says, too
    return linked.replace(kit, f"{kit}    options:\n      members: false\n\n{list_entries('openrft.testing')}")
