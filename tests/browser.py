"""The browser that the page is tested in: the system's Chromium, else Playwright's own.

`python -m tests.browser` installs one where there is none.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


class NoBrowser(RuntimeError):
    """There is no browser, and how to get one."""


def system_browser() -> str | None:
    """The path of a Chromium that is installed."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A browser without a window, closed at the end. Raises NoBrowser."""
    sandbox = [] if os.name == "nt" or os.geteuid() != 0 else ["--no-sandbox"]
    with sync_playwright() as playwright:
        path = system_browser()
        if path is None and not Path(playwright.chromium.executable_path).exists():
            raise NoBrowser("no browser to test the page in: run `make browser`")
        browser = playwright.chromium.launch(executable_path=path, args=sandbox)
        yield browser
        browser.close()


def get_browser() -> None:
    """Install one where none is: Debian's package as root where there is apt, else Playwright's own download."""
    if system_browser() is not None:
        return
    with sync_playwright() as playwright:
        if Path(playwright.chromium.executable_path).exists():
            return
    if shutil.which("apt-get") and os.geteuid() == 0:
        quiet = ["apt-get", "-qq", "-o", "Dpkg::Use-Pty=0", "-o", "DPkg::Lock::Timeout=300"]
        subprocess.run([*quiet, "update"], check=False)
        got = subprocess.run([*quiet, "install", "-y", "--no-install-recommends", "chromium"], check=False)
        if got.returncode == 0:
            return
    subprocess.run([sys.executable, "-m", "playwright", "install", "--only-shell", "chromium"], check=True)


if __name__ == "__main__":
    get_browser()
