"""Who is reviewed: patients, their medicines, and readers of records."""

from polypharmacy.patients.errors import InputError
from polypharmacy.patients.medication import Medication
from polypharmacy.patients.patient import Patient

__all__ = ["InputError", "Medication", "Patient"]
