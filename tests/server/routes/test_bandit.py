"""/bandit over a real socket, from a search that ran."""

from pathlib import Path

import httpx
import numpy as np

from polypharmacy.mining.pool import read_pool
from polypharmacy.mining.predictor import read_ensemble
from tests.server.conftest import Server, Serving

DRUGS = 40


def client_of(server: Server) -> httpx.Client:
    return httpx.Client(base_url=server.url, timeout=30)


def test_predictions_are_the_ensemble_s(searched: Path, serve: Serving) -> None:
    pool, ensemble = read_pool(searched / "pool.npz"), read_ensemble(searched / "neural" / "ensemble.npz")
    wanted = ensemble.predict(pool.combinations.take(np.arange(50)))
    asked = [[pool.names[int(d)] for d in pool.combinations[row]] for row in range(50)]
    with client_of(serve(mined=searched / "neural")) as client:
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
        strange = client.post("/bandit/predict", json={"drugs": ["drug_35"]}).json()
        assert strange["known"]["status"] == "unresolved"

        metrics = client.get("/bandit/metrics").json()
        assert metrics["drugs"] == DRUGS
        assert (metrics["data"], metrics["combinations"], metrics["threshold"]) == ("pool.npz", 1500, 1.1)
        assert metrics["dangerous"] == (pool.relative_risk > 1.1).sum()
        assert metrics["precision_promised"] is None
        assert metrics["sigmas"] == 0.3
        assert metrics["members"] == len(ensemble.members)
        assert metrics["curve"][-1]["queries"] == metrics["queries"] == 260
        assert metrics["result"]["flagged"] >= len(metrics["findings"])

        refused = client.post("/bandit/predict", json={"drugs": ["warfarin", "nonesuch"]})
        assert refused.status_code == 422
        assert refused.json()["detail"] == "drug 2 is not among the 40 that the claims name"
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
    (bare / "result.json").write_text((searched / "neural" / "result.json").read_text())
    (tmp_path / "result.json").write_text("{}")
    for given, asks, said in (
        (None, "/bandit/metrics", "start it with POLYPHARMACY_MINED=FOLDER"),
        (tmp_path, "/bandit/metrics", "holds no whole result"),
        (bare, "/bandit/predict", "--method optim_neural_ts"),
    ):
        with client_of(serve(mined=given)) as client:
            response = client.post(asks, json={"drugs": ["warfarin"]}) if "predict" in asks else client.get(asks)
            assert response.status_code == 404
            assert said in response.json()["detail"]
            if given == bare:
                assert client.get("/bandit/metrics").json()["members"] is None
