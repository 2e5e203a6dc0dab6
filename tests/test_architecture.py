"""The order of packages: data flows one way."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_packages_import_only_from_those_below_them() -> None:
    lint = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_library_code_does_not_print() -> None:
    library = [p for p in (ROOT / "src").rglob("*.py") if "cli" not in p.parts]
    assert library
    assert [p.name for p in library if "\nprint(" in p.read_text() or " print(" in p.read_text()] == []
