"""Published examples of kidney function estimates."""

import pytest

from polypharmacy.patients.renal_function import ckd_epi_2021, cockcroft_gault


def test_ckd_epi_2021_against_the_equation_by_hand() -> None:
    # Female, 0.7 mg/dL: both ratio terms are 1, so 142 x 0.9938^age x 1.012.
    assert ckd_epi_2021(0.7, 60, "female") == pytest.approx(142 * 0.9938**60 * 1.012)
    # Male 1.8 mg/dL is twice kappa: 142 x 2^-1.2 x 0.9938^age.
    assert ckd_epi_2021(1.8, 70, "male") == pytest.approx(142 * 2**-1.2 * 0.9938**70)


@pytest.mark.parametrize(("creatinine", "age", "sex", "egfr"), [(1.0, 50, "female", 69), (1.0, 50, "male", 92)])
def test_ckd_epi_2021_against_published_calculator_values(creatinine: float, age: int, sex: str, egfr: int) -> None:
    assert ckd_epi_2021(creatinine, age, "female" if sex == "female" else "male") == pytest.approx(egfr, abs=1)


def test_cockcroft_gault() -> None:
    assert cockcroft_gault(1.0, 60, "male", 72) == pytest.approx(80)
    assert cockcroft_gault(1.0, 60, "female", 72) == pytest.approx(68)
