"""/bandit over a real socket, from a search that ran."""

from pathlib import Path

import httpx
import numpy as np
import pytest

from polypharmacy.cli.main import run
from polypharmacy.mining.pool import Pool, read_pool
from polypharmacy.mining.predictor import read_ensemble
from polypharmacy.mining.simulator import simulate
from tests.server.conftest import Server, Serving

DRUGS = 40
PAPER = (
    "--method", "optim_neural_ts", "--warmup", "250", "--budget", "260", "--epochs", "10", "--width", "16",
    "--de-population", "6", "--de-steps", "2", "--sigmas", "0.3",
)  # fmt: skip


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pool whose drugs 0 and 1 are called as the knowledge base does, and the search of it."""
    folder = tmp_path_factory.mktemp("mined")
    made = simulate(7, "protective", combinations=1500, drugs=DRUGS, mean_drugs=5)
    names = ("warfarin", "ibuprofen", *made.names[2:])
    Pool(made.combinations, names, made.relative_risk).write(folder / "pool.npz")
    assert run(["mine", "search", str(folder / "pool.npz"), *PAPER, "--out", str(folder / "out"), "--json"]) == 0
    return folder


def client_of(server: Server) -> httpx.Client:
    return httpx.Client(base_url=server.url, timeout=30)


def test_predictions_are_the_ensemble_s(searched: Path, serve: Serving) -> None:
    pool, ensemble = read_pool(searched / "pool.npz"), read_ensemble(searched / "out" / "ensemble.npz")
    wanted = ensemble.predict(pool.combinations.take(np.arange(50)))
    asked = [[pool.names[int(d)] for d in pool.combinations[row]] for row in range(50)]
    with client_of(serve(mined=searched / "out")) as client:
        response = client.post("/bandit/screen", json={"combinations": asked})
        assert response.status_code == 200, response.text
        held = response.json()
        assert [p["drugs"] for p in held["predictions"]] == asked
        np.testing.assert_allclose([p["mean"] for p in held["predictions"]], wanted["mean"], rtol=1e-4)
        np.testing.assert_allclose([p["sigma"] for p in held["predictions"]], wanted["sigma"], rtol=1e-4)
        assert [p["flagged"] for p in held["predictions"]] == wanted["flagged"].tolist()
        assert held["flagged"] == wanted["flagged"].sum()

        one = client.post("/bandit/predict", json={"drugs": ["Ibuprofen", "warfarin"]}).json()
        assert one["drugs"] == ["warfarin", "ibuprofen"]
        assert one["known"]["status"] == "known"
        assert one["known"]["severity"] in ("avoid", "contraindicated")
        strange = client.post("/bandit/predict", json={"drugs": ["drug_5"]}).json()
        assert strange["known"]["status"] == "unresolved"

        metrics = client.get("/bandit/metrics").json()
        assert metrics["drugs"] == DRUGS
        assert metrics["members"] == len(ensemble.members)
        assert metrics["curve"][-1]["queries"] == metrics["queries"] == 260
        assert metrics["result"]["flagged"] >= len(metrics["findings"])

        for body, said in (
            ({"combinations": [["warfarin"], ["ibuprofen", "nonesuch"]]}, "combination 2: drug 2 is not among the 40"),
            ({"combinations": [[]]}, "combinations"),
            ({"combinations": [["warfarin"]] * 10_001}, "combinations"),
        ):
            refused = client.post("/bandit/screen", json=body)
            assert refused.status_code == 422
            assert said in refused.json()["detail"]
            assert "nonesuch" not in refused.text


def test_what_was_not_given_is_said(searched: Path, serve: Serving, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "result.json").write_text((searched / "out" / "result.json").read_text())
    (tmp_path / "result.json").write_text("{}")
    for given, asks, said in (
        (None, "/bandit/metrics", "POLYPHARMACY_MINED"),
        (tmp_path, "/bandit/metrics", "POLYPHARMACY_MINED"),
        (bare, "/bandit/predict", "--method optim_neural_ts"),
    ):
        with client_of(serve(mined=given)) as client:
            response = client.post(asks, json={"drugs": ["warfarin"]}) if "predict" in asks else client.get(asks)
            assert response.status_code == 404
            assert said in response.json()["detail"]
            if given == bare:
                assert client.get("/bandit/metrics").json()["members"] is None
