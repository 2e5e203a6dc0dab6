"""`polypharmacy mine` from the outside."""

import json
from pathlib import Path

import numpy as np
import pytest

from polypharmacy.cli.main import run
from polypharmacy.mining.cohort_simulator import simulate_cohort
from polypharmacy.mining.pool import read_pool


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert run(["mine", *arguments, "--json"]) == 0
    held = json.loads(capsys.readouterr().out)
    assert isinstance(held, dict)
    return held


def test_simulate_search_metrics(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pool, out = tmp_path / "pool.npz", tmp_path / "found"
    made = answer(capsys, "simulate", str(pool), "--seed", "3", "--combinations", "2000", "--drugs", "60")
    assert made["combinations"] == 2000
    found = answer(capsys, "search", str(pool), "--budget", "400", "--out", str(out))
    wanted = {"method", "budget", "seed", "flagged", "recall", "precision", "recall_unqueried", "recall_at_p99"}
    assert wanted | {"patterns_found", "seconds", "ms_per_query"} == found.keys()
    held = json.loads((out / "result.json").read_text())
    assert held["result"] == found
    assert held["queries"] == held["curve"][-1]["queries"] == 400
    assert held["curve"][-1]["recall"] == found["recall"]
    dangerous = read_pool(pool).relative_risk > held["threshold"]
    assert (held["data"], held["combinations"], held["dangerous"]) == ("pool.npz", 2000, dangerous.sum())
    assert held["curve"][-1]["hits"] == dangerous[np.load(out / "queries.npz")["rows"]].sum()
    assert all(0 < point["hits"] <= point["queries"] for point in held["curve"])
    assert held["precision_promised"] == 0.99
    assert sum(group["count"] for group in held["calibration"]) == 1600
    assert {f["known"]["status"] for f in held["findings"]} == {"unresolved"}
    page = (out / "report.html").read_text()
    assert page.count("<polyline") == 4
    assert page.count("not in the knowledge base by name") == len(held["findings"])
    assert answer(capsys, "metrics", str(out)) == found
    lines = (out / "flagged.csv").read_text().splitlines()
    assert len(lines) == 1 + int(str(found["flagged"]))
    assert not [p for p in out.iterdir() if p.name.startswith(".")]
    again = answer(capsys, "search", str(pool), "--budget", "400", "--out", str(out))
    assert {k: v for k, v in again.items() if k not in ("seconds", "ms_per_query")} == {
        k: v for k, v in found.items() if k not in ("seconds", "ms_per_query")
    }
    assert run(["mine", "search", str(pool), "--budget", "400", "--seed", "9", "--out", str(out)]) == 2
    assert "holds another search" in capsys.readouterr().err


def test_screen_and_associate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    simulated = simulate_cohort(5, patients=30_000, drugs=40, mean_drugs=5, signals=3, controls=10)
    cohort = simulated.cohort
    names = ["warfarin", "ibuprofen", *[f"code_{d}" for d in range(2, 40)]]
    i, j = (int(d) for d in simulated.signals[0])
    names[i], names[0] = names[0], names[i]
    names[j], names[names.index("ibuprofen")] = "ibuprofen", names[j]
    people = ["patient,outcome,stratum," + ",".join(f"diagnosis_{c}" for c in range(cohort.covariates.shape[1]))]
    dispensings = ["patient,drug,start,end"]
    stratum = cohort.stratum
    for p in range(len(cohort)):
        flags = ",".join(map(str, cohort.covariates[p]))
        people.append(f"{p},{int(cohort.outcome[p])},{cohort.stratum_names[stratum[p]]},{flags}")
        dispensings += [f"{p},{names[d]},2024-01-01,2024-02-01" for d in cohort.taken[p].tolist()]
    (tmp_path / "people.csv").write_text("\n".join(people))
    (tmp_path / "dispensings.csv").write_text("\n".join(dispensings))
    claims = str(tmp_path / "dispensings.csv"), "--people", str(tmp_path / "people.csv")
    screened = answer(capsys, "screen", *claims, "--support", "50")
    findings = screened["findings"]
    assert isinstance(findings, list)
    told = {frozenset(f["drugs"]): f["known"] for f in findings}
    assert told[frozenset(("warfarin", "ibuprofen"))].startswith("known: ")
    assert all(
        "not in the knowledge base by name" in k for pair, k in told.items() if pair != {"warfarin", "ibuprofen"}
    )
    associated = answer(capsys, "associate", claims[0], "warfarin", "ibuprofen", *claims[1:])
    for result in (screened, associated):
        assert (result["overlap_days"], result["gap_days"]) == (1, 0)
    days = "--overlap-days", "33"  # every dispensing lasts 32
    longer = answer(capsys, "associate", claims[0], "warfarin", "ibuprofen", *claims[1:], *days)
    assert (longer["exposed"], longer["overlap_days"]) == (0, 33)
    adjusted = associated["adjusted_odds_ratio"]
    assert isinstance(adjusted, dict)
    assert adjusted["low"] < 3 < adjusted["high"] * 1.3


def test_a_wide_table_holds_no_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "wide.csv").write_text("patient,outcome,warfarin,ibuprofen\na,1,1,1\nb,0,1,0\nc,0,0,1\n")
    found = answer(capsys, "associate", str(tmp_path / "wide.csv"), "warfarin", "ibuprofen")
    assert (found["exposed"], found["overlap_days"], found["gap_days"]) == (1, None, None)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["search", "none.npz"], "none.npz: no such file"),
        (["search", "none.npz", "--method", "magic"], "--method 'magic' is not one of"),
        (["simulate", "no/where.npz"], "no: no such folder"),
        (["simulate", "x.npz", "--background", "blue"], "--background 'blue'"),
        (["screen", "none.csv"], "none.csv: no such file"),
        (["screen", "none.csv", "--overlap-days", "30"], "--overlap-days and --gap-days need dispensings"),
        (["screen", "none.csv", "--since", "yesterday"], "--since 'yesterday' is no date"),
        (["metrics", "none"], "result.json: no such file"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["mine", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
