"""Estimates of kidney function."""

from typing import Literal


def ckd_epi_2021(creatinine: float, age: int, sex: Literal["female", "male"]) -> float:
    """eGFR in mL/min/1.73 m2 from serum creatinine in mg/dL, age in years (adults).

    Inker LA, et al. N Engl J Med 2021;385:1737-1749 (creatinine equation without race).
    """
    kappa, alpha, factor = (0.7, -0.241, 1.012) if sex == "female" else (0.9, -0.302, 1.0)
    ratio = creatinine / kappa
    return float(142 * min(ratio, 1) ** alpha * max(ratio, 1) ** -1.2 * 0.9938**age * factor)


def cockcroft_gault(creatinine: float, age: int, sex: Literal["female", "male"], weight: float) -> float:
    """Creatinine clearance in mL/min from mg/dL, years and actual body weight in kg.

    Cockcroft DW, Gault MH. Nephron 1976;16:31-41.
    """
    clearance = (140 - age) * weight / (72 * creatinine)
    return max(0.0, clearance * (0.85 if sex == "female" else 1.0))
