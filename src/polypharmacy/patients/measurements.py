"""What a measurement can be: outside these bounds it was misread or mistyped."""

POSSIBLE: dict[str, tuple[float, float]] = {
    "egfr": (1, 250),
    "creatinine": (0.1, 40),
    "potassium": (1, 12),
    "sodium": (90, 200),
    "qtc": (200, 800),
    "inr": (0.5, 20),
    "hba1c": (3, 20),
    "heart_rate": (10, 300),
    "systolic_bp": (30, 320),
    "weight": (20, 400),
    "height": (60, 260),
}
"""Lowest and highest by name, in the units of `LabName`."""
