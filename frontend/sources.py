"""SHA-256 of everything that the page is built from: `make ui` stores it beside the built page, a test compares it."""

import hashlib
from pathlib import Path

HERE = Path(__file__).parent
BUILT = HERE.parent / "src" / "polypharmacy" / "ui" / "sources.sha256"
FILES = ("index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts")


def digest() -> str:
    """Of names and contents, in the order of names."""
    files = [HERE / name for name in FILES]
    files += [f for folder in ("src", "public") for f in (HERE / folder).rglob("*") if f.is_file()]
    files += [f for f in (HERE.parent / "examples").iterdir() if f.is_file()]
    total = hashlib.sha256()
    for file in sorted(files):
        total.update(f"{file.relative_to(HERE.parent).as_posix()}\0{file.stat().st_size}\0".encode())
        total.update(file.read_bytes())
    return total.hexdigest()


if __name__ == "__main__":
    BUILT.write_text(digest() + "\n")
