"""The documents tell the truth: commands exist, options are documented, files that are named are there."""

from __future__ import annotations

import dataclasses
import inspect
import re
import runpy
import subprocess
import sys
from pathlib import Path

import click
import pytest

from openrft.cli import COMMANDS, cli
from openrft.cli.plugin_commands import list_commands
from openrft.config.presets import PRESETS
from openrft.config.settings import STAGE_SETTINGS
from openrft.plugins import hookspecs
from openrft.plugins.base import ATTRIBUTES
from openrft.plugins.registry import list_plugins, load_plugin_class
from openrft.scaffold.write import KINDS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
REFERENCE = (ROOT / "docs" / "commands.md").read_text("utf-8")
SITE = (ROOT / "mkdocs.yml").read_text("utf-8")
FIRST_PARTY = [
    "best-of-n",
    "da",
    "few-shot",
    "gepa",
    "graders",
    "icl",
    "openai-rft",
    "opd",
    "placebo",
    "pocket",
    "prm",
    "questions",
    "rl",
    "sciknoweval",
    "sft",
    "smollm2",
    "teacher",
    "trl-grpo",
    "vote",
]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md")),
    *sorted(ROOT.glob("docs/**/*.md")),
    *sorted(ROOT.glob("plugins/*/README.md")),
]
LONGEST = {"README.md": 90, "CHANGELOG.md": 60}  # lines


def command_lines(text):
    """Every `openrft ...` line of a document's code blocks."""
    return [line.strip().split("#")[0].strip() for line in re.findall(r"^ {4}(openrft .*)$", text, re.MULTILINE)]


def every_command():
    context = click.Context(cli)
    for name in [*COMMANDS, *list_commands()]:
        command = cli.get_command(context, name)
        yield name, command
        if isinstance(command, click.Group):
            for sub, inner in command.commands.items():
                yield f"{name} {sub}", inner


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_documented_commands_and_options_exist(document):
    known = dict(every_command())
    for line in command_lines(document.read_text("utf-8")):
        words = line.split()[1:]
        command = known.get(" ".join(words[:2])) or known.get(words[0])
        assert command is not None, line
        options = {option for parameter in command.params for option in parameter.opts}
        for word in words:
            if word.startswith("--") and word != "--debug":
                assert word.split("=")[0] in options, f"{word} in: {line}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
@pytest.mark.usefixtures("example_plugins")
def test_settings_in_documents_exist(document):
    text = document.read_text("utf-8")
    for owner, option in re.findall(r"(?:--set |,)([a-z-]+)\.(\w+)=", text):
        kind = STAGE_SETTINGS.get(owner) or load_plugin_class(owner).Options
        assert option in {f.name for f in dataclasses.fields(kind)}, f"{owner}.{option}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\((?!https?://)([^)#]+)\)", document.read_text("utf-8")):
        assert (document.parent / target).exists(), target


def list_anchors(document):
    """What GitHub makes of the headings of a document."""
    for heading in re.findall(r"^#+ (.*)$", document.read_text("utf-8"), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_to_headings_lead_to_one(document):
    for target, anchor in re.findall(r"\]\((?!https?://)([^)#]*)#([^)]+)\)", document.read_text("utf-8")):
        file = document.parent / target if target else document
        assert anchor in list_anchors(file / "README.md" if file.is_dir() else file), f"{target}#{anchor}"


def test_the_contributing_guide_names_no_file_that_is_gone():
    guide = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    for line in guide.splitlines():
        names = re.findall(r"`(\w[\w/]*\.py|\w[\w/]*/)`", line)
        package = names[0] if line.startswith("| `") and names else ""  # its files are named without it
        places = (ROOT, ROOT / "openrft", ROOT / "openrft" / package, ROOT / "plugins/openrft-rl/openrft_rl")
        for name in names:
            assert any((place / name).exists() for place in places), name


@pytest.mark.parametrize("name", LONGEST)
def test_short_documents_stay_short(name):
    assert len((ROOT / name).read_text("utf-8").splitlines()) <= LONGEST[name]


def test_the_readme_links_to_every_document_in_docs():
    for document in ROOT.glob("docs/*.md"):
        assert f"](docs/{document.name}" in README, document.name


def test_an_overview_links_to_every_page_of_its_folder():
    for page in ROOT.glob("docs/*/*.md"):
        overview = ROOT / "docs" / f"{page.parent.name}.md"
        assert f"]({page.parent.name}/{page.name})" in overview.read_text("utf-8"), page


def test_the_readme_has_the_two_commands_and_a_picture():
    assert "    pip install -r requirements.txt && openrft bench\n" in README
    assert "    pip install tox && tox\n" in README
    assert re.search(r"!\[.{20,}\]\(docs/pictures/report\.png\)", README)


def test_pictures_are_small_and_named_by_the_script_that_makes_them():
    script = (ROOT / "docs" / "make_pictures.py").read_text("utf-8")
    for picture in ROOT.glob("docs/pictures/*"):
        assert picture.stat().st_size < 200_000, picture
        assert f'"{picture.name}": (' in script, picture


def test_the_reference_has_every_command_plugin_and_preset():
    table = REFERENCE.split("## Commands")[1].split("## Plugins")[0]
    for name, command in every_command():
        group, *sub = name.split()
        if isinstance(command, click.Group):
            assert f"| `openrft {name} " in table, name
        else:
            row = next(line for line in table.splitlines() if line.startswith(f"| `openrft {group}"))
            assert re.search(rf"[ `]{re.escape(sub[-1])}[ `]", row) if sub else row, name
    rows = re.findall(r"^\| (`[^|]*) \|", REFERENCE.split("## Plugins")[1], re.MULTILINE)
    assert sorted(name.strip("` ") for row in rows for name in row.split(",")) == sorted(FIRST_PARTY)
    assert all(f"`{name}`" in REFERENCE.split("## Presets")[1] for name in PRESETS)


def test_the_page_of_settings_is_what_its_script_prints():
    made = subprocess.run([sys.executable, "docs/make_settings.py"], cwd=ROOT, capture_output=True, check=True)
    assert made.stdout.decode() == (ROOT / "docs" / "settings.md").read_text("utf-8"), "run docs/make_settings.py"


def test_the_site_has_every_document():
    pages = [str(path.relative_to(ROOT / "docs")) for path in ROOT.glob("docs/**/*.md")]
    readmes = [str(path.relative_to(ROOT)) for path in ROOT.glob("plugins/*/README.md")]
    named = re.findall(r"^ +- [^:]+: (\S+\.md)$", SITE, re.MULTILINE)
    assert sorted(named) == sorted([*pages, *readmes, "index.md", "CONTRIBUTING.md"])


def test_the_code_in_the_pages_of_plugins_is_what_its_script_writes():
    script = runpy.run_path(str(ROOT / "docs" / "make_plugin_pages.py"))
    for page in ROOT.glob("docs/plugins/*.md"):
        text = page.read_text("utf-8")
        assert script["fill_blocks"](text) == text, "run docs/make_plugin_pages.py"


def test_each_kind_of_plugin_has_a_page():
    assert {path.stem for path in ROOT.glob("docs/plugins/*.md")} == set(KINDS)


def test_every_command_has_help_and_examples():
    for name, command in every_command():
        assert command.help, name
        if not isinstance(command, click.Group):
            assert "Example" in f"{command.help}{command.epilog}", name
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"{name} {parameter.name}"


def test_every_hook_documents_its_contract():
    for name, hook in vars(hookspecs.Hooks).items():
        if not name.startswith("_"):
            assert len(inspect.getdoc(hook) or "") > 40, name


def test_the_plugin_guide_names_every_hook_and_attribute():
    text = (ROOT / "docs" / "plugins.md").read_text("utf-8")
    assert [name for name in (*hookspecs.HOOKS, *ATTRIBUTES) if f"`{name}`" not in text] == []


@pytest.mark.parametrize("name", FIRST_PARTY)
def test_every_plugin_documents_each_of_its_options(name):
    distribution = list_plugins()[name].distribution
    text = (ROOT / "plugins" / distribution / "README.md").read_text("utf-8")
    options = getattr(load_plugin_class(name), "Options", None)
    for option in dataclasses.fields(options) if options else ():
        assert re.search(rf"\b{option.name}\b", text), f"{name}.{option.name} is not in its README"


def test_every_module_says_what_it_is_for():
    for path in [*ROOT.glob("openrft/**/*.py"), *ROOT.glob("plugins/*/openrft_*/**/*.py")]:
        head = path.read_text("utf-8").lstrip()
        assert head.startswith(('"""', 'r"""')) or not head, path
