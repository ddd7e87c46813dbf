"""The build command: what a work folder remembers."""

from click.testing import CliRunner
from openrft_pocket.build import STAGES, main


def test_a_work_folder_belongs_to_one_seed_and_its_checkpoints_can_move(tmp_path):
    work, out = tmp_path / "work", tmp_path / "elsewhere"
    (work / "checkpoints").mkdir(parents=True)
    (work / "checkpoints" / "made").write_text("by seed 3")
    for stage in STAGES:
        (work / f"{stage}.done").touch()
    run = CliRunner().invoke
    assert run(main, ["--work", str(work), "--seed", "3"]).exit_code == 0
    other = run(main, ["--work", str(work), "--seed", "4"])
    assert other.exit_code == 1
    assert "holds the work of seed 3, not 4" in other.output
    assert run(main, ["--work", str(work), "--seed", "3", "--out", str(out)]).exit_code == 0
    assert (out / "made").read_text() == "by seed 3"
