from __future__ import annotations

from openrft.runtime import fingerprint as module
from openrft.runtime.fingerprint import fingerprint_folder


def test_any_stretch_of_a_large_file_that_was_trained_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "WHOLE", 1 << 16)
    file, size = tmp_path / "model.safetensors", 1 << 20
    found = set()
    for start in (None, 0, size // 3, size // 2, size - 20_000):  # 20,000 of a million bytes are other ones
        content = bytearray(size)
        if start is not None:
            content[start : start + 20_000] = b"\1" * 20_000
        file.write_bytes(content)
        found.add(fingerprint_folder(tmp_path))
    assert len(found) == 5


def test_a_small_file_is_read_whole(tmp_path):
    found = set()
    for at in range(0, 3000, 7):
        content = bytearray(3000)
        content[at] = 1
        (tmp_path / "model.safetensors").write_bytes(content)
        found.add(fingerprint_folder(tmp_path))
    assert len(found) == len(range(0, 3000, 7))
