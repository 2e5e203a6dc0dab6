"""The files a deployment is made of name what there is."""

import re
from pathlib import Path

import yaml

from polypharmacy.agents.llm import VARIABLES
from polypharmacy.server.settings import Settings

ROOT = Path(__file__).parents[1]
FILES = ("Dockerfile", "compose.yaml", ".env.example")


def test_every_variable_is_a_setting() -> None:
    """A setting that was renamed must be renamed here too; a variable nobody reads is a promise not kept."""
    known = {f"POLYPHARMACY_{name.upper()}" for name in Settings.model_fields}
    for name in FILES:
        named = set(re.findall(r"POLYPHARMACY_[A-Z_]+", (ROOT / name).read_text()))
        assert named, name
        assert named <= known, name
    example = (ROOT / ".env.example").read_text()
    hidden = {"POLYPHARMACY_UI", *(f"POLYPHARMACY_{f}" for f in ("API_BASE_URL", "MODEL_NAME", "MODEL_KEY"))}
    assert {v for v in known - hidden if v not in example} == set()
    assert {v for v in VARIABLES.values() if f"\n{v}=" not in example} == set()


def test_the_container_listens_for_others_and_is_nobody_special() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert "POLYPHARMACY_HOST=0.0.0.0" in dockerfile
    assert re.findall(r"^USER (.*)$", dockerfile, re.MULTILINE) == ["1000"]
    assert Settings.model_fields["host"].default == "127.0.0.1"
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    assert all(port.startswith("127.0.0.1:") for s in services.values() for port in s.get("ports", ()))


def test_what_the_image_copies_is_let_in() -> None:
    """.dockerignore shuts everything out but what it names."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    copied = [w for line in re.findall(r"^COPY (?!--from)(.*)$", dockerfile, re.MULTILINE) for w in line.split()[:-1]]
    let_in = re.findall(r"^!(.*)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    assert sorted(copied) == sorted(let_in)
