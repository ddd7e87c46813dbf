"""Write a report to report.json, one line per entry, and read it back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from openrft.bench.report import Report, validate_report
from openrft.config.documents import dump_document, read_document
from openrft.errors import DataError, StoreError, UnknownName
from openrft.runtime.files import report_disk_errors, write_atomic
from openrft.runtime.fingerprint import expand_path

FORMAT = "openrft-report/2"
REPORT_FILE = "report.json"


def to_json(report: Report) -> str:
    """The report as text with one line per entry, so that diffs of committed reports are readable."""
    data = {"format": FORMAT, **dump_document(report)}
    lines = []
    for key, value in data.items():
        if isinstance(value, list) and value:
            body = "[\n  " + ",\n  ".join(_line(entry) for entry in value) + "\n ]"
        else:
            body = _line(value)
        lines.append(f" {json.dumps(key)}: {body}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def from_json(text: str, where: str = "report") -> Report:
    """Read what `to_json` wrote. Raises DataError naming the field, with `where` as the file."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise DataError(f"{where}: not JSON ({fault}).", "Is the file cut short?") from fault
    found = data.get("format") if isinstance(data, dict) else None
    if found != FORMAT:
        raise DataError(f"{where}: its format is {found!r}, not {FORMAT!r}.", "Rerun the bench with this version.")
    report, faults = read_document(Report, data, "ignore")  # a later version may have added fields
    if report is None:
        more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""
        raise DataError(f"{where}: {'; '.join(faults[:3])}{more}.", "Is this a whole OpenRFT report?")
    try:
        return validate_report(report)
    except DataError as fault:
        fault.message = f"{where}: {fault.message}"  # two reports may have the same name
        raise


def write_report(report: Report, path: Path) -> None:
    """Write report.json completely or not at all. Raises DataError if it is inconsistent, StoreError on disk faults."""
    text = to_json(validate_report(report))
    with report_disk_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, text)


def read_report(path: Path) -> Report:
    """Read report.json. Raises DataError (no such file, malformed) or StoreError (unreadable)."""
    try:
        return from_json(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError as fault:
        raise DataError(f"{path}: no such report.", "Give a run's name, its folder or its report.json.") from fault
    except UnicodeDecodeError as fault:
        raise DataError(f"{path}: not text in UTF-8.") from fault
    except OSError as fault:
        raise StoreError(f"{path} could not be read ({fault.strerror}).") from fault


def locate_report(run: str, runs: Path = Path("runs")) -> Path:
    """The report.json that `run` names: a file, a folder that holds one, or the name of a run under `runs`."""
    expand_path(run)
    for path in (Path(run), Path(run) / REPORT_FILE, runs / run / REPORT_FILE):
        if path.is_file():
            return path
    known = [p.parent.name for p in runs.glob(f"*/{REPORT_FILE}")] if runs.is_dir() else []
    raise UnknownName("run", run, known, "A path to a report.json does as well.")


def _line(value: Any) -> str:
    return json.dumps(value, allow_nan=False, separators=(", ", ": "))
