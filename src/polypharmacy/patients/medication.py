"""One active ingredient that a patient takes."""

from datetime import date

from pydantic import BaseModel, ConfigDict, Field

from polypharmacy.knowledge import Route

MILLIGRAMS = {"mg": 1.0, "mcg": 0.001, "g": 1000.0}


class Medication(BaseModel):
    """An ingredient as this patient takes it.

    `dose` is the amount per administration in `unit` (mg, mcg, g, units, ml, meq, mmol, %), `per_day` how many
    administrations a day (weekly is 1/7), `indication` condition ids, `text` the line it was read from.
    """

    model_config = ConfigDict(frozen=True)

    text: str
    ingredient: str
    route: Route
    dose: float | None = Field(default=None, gt=0)
    unit: str | None = None
    per_day: float | None = Field(default=None, gt=0)
    as_needed: bool = False
    indication: tuple[str, ...] = ()
    indication_text: str | None = None
    since: date | None = None
    days: float | None = Field(default=None, ge=0)
    """How long it has been taken, in days, where the record says so."""
    prescriber: str | None = None

    @property
    def daily_mg(self) -> float | None:
        """Milligrams a day, or None when dose, unit or frequency does not say."""
        factor = MILLIGRAMS.get(self.unit or "")
        if self.dose is None or self.per_day is None or factor is None:
            return None
        return self.dose * factor * self.per_day
