"""Patients: what each took, and together; whether the outcome came; and what else is known of them."""

from dataclasses import dataclass

import numpy as np

from polypharmacy.mining.combinations import Combinations
from polypharmacy.mining.errors import ClaimsError


@dataclass(frozen=True, eq=False)
class Cohort:
    """Patients sorted by stratum.

    taken: one row a patient, the drugs taken. Drugs are best numbered from the rarest up (counting is then fastest).
    regimens: drugs taken at the same time; no regimen of a patient holds another one. A patient is exposed to a
    combination that one of its regimens holds. Where times are not known, these are the rows of `taken`.
    patients: int32 [regimens], the patient of each, ascending.
    names: the drugs' names, one each.
    outcome: bool [patients], whether the outcome came.
    strata: int64 [strata + 1]; stratum s is patients strata[s] to strata[s + 1] - 1, at least one.
    stratum_names: one each.
    covariates: uint8 [patients, covariates] of 0 and 1 (diagnoses and the like), for adjustment.
    """

    taken: Combinations
    names: tuple[str, ...]
    outcome: np.ndarray
    strata: np.ndarray
    stratum_names: tuple[str, ...]
    covariates: np.ndarray
    regimens: Combinations
    patients: np.ndarray

    def __len__(self) -> int:
        return len(self.taken)

    @classmethod
    def of(
        cls,
        taken: Combinations,
        names: tuple[str, ...],
        outcome: np.ndarray,
        stratum: np.ndarray | None = None,
        covariates: np.ndarray | None = None,
        regimens: tuple[Combinations, np.ndarray] | None = None,
    ) -> "Cohort":
        """From patients in any order; `stratum` names each patient's (one stratum for all without it), `regimens` are
        in the patients' order (all of a patient's drugs taken together without them).

        Raises ClaimsError when the arrays do not fit or nobody, or everybody, had the outcome.
        """
        count = len(taken)
        covariates = np.zeros((count, 0), np.uint8) if covariates is None else np.asarray(covariates, np.uint8)
        stratum = np.full(count, "all") if stratum is None else np.asarray(stratum)
        if not (len(outcome) == len(stratum) == len(covariates) == count and len(names) == taken.drugs):
            raise ClaimsError(
                f"{count} patients, but outcomes {len(outcome)}, strata {len(stratum)}, covariates {len(covariates)}"
            )
        if not 0 < np.count_nonzero(outcome) < count:
            raise ClaimsError(f"{np.count_nonzero(outcome)} of {count} patients had the outcome; some must, not all")
        found, number = np.unique(stratum, return_inverse=True)
        order = np.argsort(number, kind="stable")
        strata = np.concatenate([[0], np.cumsum(np.bincount(number))])
        taken = taken.take(order)
        held, patients = taken, np.arange(count, dtype=np.int32)
        if regimens is not None:
            place = np.argsort(order).astype(np.int32)[regimens[1]]
            held, patients = regimens[0].take(np.argsort(place, kind="stable")), np.sort(place)
        return cls(
            taken,
            names,
            np.asarray(outcome, dtype=bool)[order],
            strata.astype(np.int64),
            tuple(map(str, found)),
            covariates[order],
            held,
            patients,
        )

    @property
    def stratum(self) -> np.ndarray:
        """Stratum number of each patient, int64 [patients]."""
        return np.repeat(np.arange(len(self.stratum_names)), np.diff(self.strata))
