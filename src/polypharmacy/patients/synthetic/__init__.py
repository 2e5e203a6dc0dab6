"""Synthetic elders: seeded people whose regimens look like real ones."""

from polypharmacy.patients.synthetic.elders import Elders
from polypharmacy.patients.synthetic.visible import visible_patient

__all__ = ["Elders", "visible_patient"]
