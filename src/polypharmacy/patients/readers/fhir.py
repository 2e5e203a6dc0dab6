"""HL7 FHIR R4: a Bundle, a list of resources or one resource, read entry by entry.

Each entry is cut to the elements a review reads and validated with fhir.resources; an element that does not
validate is noted and left out, an entry that cannot be saved is noted and set aside, the rest is read.
"""

import math
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from polypharmacy.knowledge import Knowledge, Route
from polypharmacy.knowledge.names import MAX_TEXT, Resolution
from polypharmacy.patients.errors import InputError
from polypharmacy.patients.patient import Patient
from polypharmacy.patients.readers.builder import MAX_MENTIONS, Builder, Details
from polypharmacy.patients.readers.fhir_version import foreign_version
from polypharmacy.patients.readers.observations import set_observation
from polypharmacy.patients.sig import MAX_DOSE, UNITS, Sig, parse_sig

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC = ("http://www.whocc.no/atc", "urn:oid:2.16.840.1.113883.6.73")
SNOMED = "http://snomed.info/sct"
ICD10 = (
    "http://hl7.org/fhir/sid/icd-10",
    "http://hl7.org/fhir/sid/icd-10-cm",
    "urn:oid:2.16.840.1.113883.6.90",
)
MEDICINES = ("MedicationRequest", "MedicationStatement")
_READ: dict[str, tuple[str, ...]] = {
    "Patient": ("birthDate", "gender"),
    "MedicationRequest": (
        "status", "intent", "doNotPerform", "medicationCodeableConcept", "medicationReference",
        "subject", "authoredOn", "reasonCode", "reasonReference", "dosageInstruction",
    ),
    "MedicationStatement": (
        "status", "medicationCodeableConcept", "medicationReference", "subject", "effectiveDateTime",
        "effectivePeriod", "reasonCode", "reasonReference", "dosage",
    ),
    "Medication": ("code", "ingredient"),
    "Condition": ("clinicalStatus", "verificationStatus", "code", "subject"),
    "Observation": ("status", "code", "subject", "effectiveDateTime", "effectivePeriod",
        "valueQuantity", "component"),
    "AllergyIntolerance": ("clinicalStatus", "verificationStatus", "code", "patient", "reaction"),
}  # fmt: skip
_PLACEHOLDERS: dict[str, Any] = {
    "subject": {"reference": "Patient/unknown"},
    "patient": {"reference": "Patient/unknown"},
    "intent": "order",
}
MAX_PER_DAY = 96
_TABLETS = (
    "tablet",
    "tab",
    "capsule",
    "cap",
    "{tbl}",
    "{tablet}",
    "{capsule}",
    "{cap}",
    "tbl",
    "1",
)


def read_fhir(document: Any, knowledge: Knowledge, source: str, today: date) -> Patient:
    """Read a parsed FHIR document. `today` ends periods and dates ages.

    Raises InputError for another FHIR version, for more than one patient and when there is no medicine entry.
    """
    entries = list(_entries(document, source))
    version = foreign_version(document, [resource for _, resource, _ in entries])
    if version:
        raise InputError(f"{source}: this is FHIR {version}; FHIR R4 (4.0 or 4.3) is read, convert it first")
    return _Reader(knowledge, source, today, entries).read()


_Entry = tuple[str, Any, str]


def _entries(document: Any, source: str) -> Iterator[_Entry]:
    """(where, resource, fullUrl) of each resource; bundles within bundles are opened once."""
    if isinstance(document, list):
        for n, resource in enumerate(document, start=1):
            yield f"item {n}", resource, ""
        return
    if not isinstance(document, dict) or "resourceType" not in document:
        raise InputError(f"{source}: JSON, but not FHIR (no resourceType); a FHIR R4 Bundle is expected")
    if document["resourceType"] != "Bundle":
        yield "the resource", document, ""
        return
    listed = document.get("entry", [])
    if not isinstance(listed, list):
        raise InputError(f"{source}: Bundle.entry must be a list")
    for n, entry in enumerate(listed, start=1):
        body = entry.get("resource") if isinstance(entry, dict) else None
        url = entry.get("fullUrl") if isinstance(entry, dict) else None
        if isinstance(body, dict) and body.get("resourceType") == "Bundle":
            for where, inner, inner_url in _entries({**body, "entry": body.get("entry", [])}, source):
                yield f"entry {n}, {where}", inner, inner_url
        else:
            yield f"entry {n}", body, url if isinstance(url, str) else ""


class _Reader:
    def __init__(self, knowledge: Knowledge, source: str, today: date, entries: list[_Entry]) -> None:
        self.knowledge = knowledge
        self.source = source
        self.today = today
        self.entries = entries
        self.builder = Builder(knowledge, today=today)
        self.by_reference: dict[str, Any] = {}
        self.seen: dict[tuple[str, ...], list[tuple[str, Any]]] = {}
        self.medicine_entries = 0
        self.patient_references: set[str] = set()

    def read(self) -> Patient:
        patients = []
        for where, resource, url in self.entries:
            if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
                self.builder.note(where, "not a FHIR resource; set aside")
                continue
            kind, id_ = resource["resourceType"], resource.get("id")
            if isinstance(id_, str):
                self.by_reference[f"{kind}/{id_}"] = resource
            if url:
                self.by_reference[url] = resource
            if kind == "Patient":
                patients.append((where, resource))
                self.patient_references |= {r for r in (url, f"Patient/{id_}" if isinstance(id_, str) else "") if r}
        if len({str(p.get("id")) for _, p in patients}) > 1:
            raise InputError(
                f"{self.source}: {len(patients)} Patient resources; a review is of one person, split the bundle"
            )
        people = {r for _, x, _ in self.entries for r in [_subject_of(x)] if r}
        if not patients and len(people) > 1:
            raise InputError(f"{self.source}: entries of {len(people)} patients; a review is of one, split the file")
        handlers: dict[str, Callable[[str, dict[str, Any], Any], None]] = {
            "Patient": self._patient,
            "MedicationRequest": self._medicine,
            "MedicationStatement": self._medicine,
            "Condition": self._condition,
            "Observation": self._observation,
            "AllergyIntolerance": self._allergy,
        }
        for where, resource, _ in self.entries:
            kind = resource.get("resourceType") if isinstance(resource, dict) else None
            handler = handlers.get(kind) if isinstance(kind, str) else None
            if handler is None or not isinstance(kind, str):
                continue
            self.medicine_entries += kind in MEDICINES
            other = self._other_subject(resource)
            if other:
                self.builder.note(where, f"{kind} is of another patient ({other}); set aside")
                continue
            model = self._validate(where, kind, resource)
            if model is not None:
                handler(where, resource, model)
            elif kind in MEDICINES:
                self._broken_medicine(where, resource)
        if self.medicine_entries == 0 and (not self.builder.notes or not self._has_resources()):
            raise InputError(f"{self.source}: no MedicationRequest or MedicationStatement in it")
        if self.builder.mentions > MAX_MENTIONS:
            raise InputError(f"{self.source}: more than {MAX_MENTIONS} medicines; is this one patient's record?")
        self._newest_kidney()
        return self.builder.build()

    def _newest_kidney(self) -> None:
        """Where a creatinine is newer than the reported eGFR, the eGFR is computed from it."""
        labs = self.builder.fields.get("labs", {})
        egfr, creatinine = labs.get("egfr"), labs.get("creatinine")
        if egfr and creatinine and egfr.date and creatinine.date and creatinine.date > egfr.date:
            self.builder.fields.pop("measured_egfr")
            dates = f"eGFR of {egfr.date} is older than creatinine of {creatinine.date}"
            self.builder.note("Observation", f"{dates}; computed anew")

    def _has_resources(self) -> bool:
        """Whether anything in the document is, or tries to be, an entry of a bundle."""
        return any(where.startswith("entry") for where, _, _ in self.entries)

    def _other_subject(self, resource: dict[str, Any]) -> str | None:
        """The reference to a patient who is not the one of this document, or None."""
        subject = resource.get("subject") or resource.get("patient")
        reference = subject.get("reference") if isinstance(subject, dict) else None
        if not isinstance(reference, str) or not self.patient_references:
            return None
        tail = "/".join(reference.split("/")[-2:])
        return None if {reference, tail} & self.patient_references else reference

    # -- validation ---------------------------------------------------------------------------

    def _validate(self, where: str, kind: str, resource: dict[str, Any]) -> Any:
        """The fhir.resources model of what is readable, or None when nothing can be saved."""
        body = {k: resource[k] for k in _READ[kind] if resource.get(k) is not None}
        for key, value in _PLACEHOLDERS.items():
            if key in _READ[kind] and key not in body:
                body[key] = value
                if key == "intent" and kind == "MedicationRequest":
                    self.builder.note(where, "intent is missing; read as an order")
        model = get_fhir_model_class(kind)
        for _ in range(20):
            try:
                return model.model_validate({"resourceType": kind, **body})
            except ValidationError as error:
                first = error.errors()[0]
                path, removed = first["loc"], None
                body = _copy(body)
                if path:
                    removed = _remove(body, path)
                if removed is None:
                    self.builder.note(where, f"{kind} could not be read ({_short(first)}); set aside")
                    return None
                self.builder.note(where, f"{kind}.{removed} could not be read ({_short(first)}); left out")
            except Exception as error:  # a validator of the library may raise anything on odd input
                self.builder.note(where, f"{kind} could not be read ({type(error).__name__}); set aside")
                return None
        self.builder.note(where, f"{kind} could not be read; set aside")
        return None

    def _broken_medicine(self, where: str, resource: dict[str, Any]) -> None:
        """A medicine entry that could not be validated is still a mention, never a silent loss."""
        text = next(iter(_texts(resource)), f"{where} ({resource['resourceType']})")
        self.builder.mentions += 1
        self.builder.unresolved.append(_unresolved(text, self.knowledge))

    # -- resources ----------------------------------------------------------------------------

    def _patient(self, where: str, resource: dict[str, Any], model: Any) -> None:
        fields = self.builder.fields
        if isinstance(resource.get("id"), str):
            fields["id"] = resource["id"]
        if model.gender in ("female", "male"):
            fields["sex"] = model.gender
        born = _date(str(resource.get("birthDate") or "")) if model.birthDate else None
        if born:
            age = self.today.year - born.year - ((self.today.month, self.today.day) < (born.month, born.day))
            if 0 <= age <= 130:
                fields["age"] = age
            else:
                self.builder.note(where, f"birthDate {born} gives an age of {age}; left out")

    def _medicine(self, where: str, resource: dict[str, Any], model: Any) -> None:
        kind = resource["resourceType"]
        concept, text = self._concept(where, resource, model)
        inactive = self._inactive(model, kind)
        if inactive:
            self.builder.note(where, f"{text!r} is {inactive}, so it was not reviewed")
            return
        name, text = self._name(where, concept, text)
        dosages = (model.dosageInstruction if kind == "MedicationRequest" else model.dosage) or []
        sig, route = self._dosage(where, dosages, text)
        if self._is_same_therapy(kind, name, sig):
            self.builder.note(where, f"{text!r} is listed both as ordered and as taken; reviewed once")
            return
        reasons = [r for r in (_label(c) for c in model.reasonCode or []) if r]
        indication = [c for r in model.reasonCode or [] for c in self._condition_ids(r)]
        for link in model.reasonReference or []:
            linked = self.by_reference.get(link.reference or "")
            if isinstance(linked, dict) and linked.get("resourceType") == "Condition":
                condition = self._validate(where, "Condition", linked)
                if condition is not None and condition.code is not None:
                    indication += self._condition_ids(condition.code)
                    reasons.append(_label(condition.code) or "")
        since = model.authoredOn if kind == "MedicationRequest" else None
        if kind == "MedicationStatement":
            since = model.effectiveDateTime or (model.effectivePeriod and model.effectivePeriod.start)
        self.builder.medicine(
            where,
            text,
            Details(
                sig=sig,
                route=route,
                indication=tuple(dict.fromkeys(indication)),
                indication_text="; ".join(r for r in reasons if r) or None,
                since=_as_date(since),
            ),
            name,
        )

    def _inactive(self, model: Any, kind: str) -> str | None:
        """Why a medicine does not count, or None when it is active."""
        if model.status != "active":
            return str(model.status)
        if kind == "MedicationRequest":
            if model.doNotPerform:
                return "an order not to give it"
            if model.intent in ("proposal", "option"):
                return f"a {model.intent}, not an order"
        else:
            end = _as_date(model.effectivePeriod.end) if model.effectivePeriod else None
            if end and end < self.today:
                return f"ended on {end}"
        return None

    def _is_same_therapy(self, kind: str, name: Resolution, sig: Sig | None) -> bool:
        """Whether the same ingredients stood as the other kind of entry before, in the same dose or in none."""
        key = name.ingredients or (name.folded,)
        dose = (sig.dose, sig.per_day) if sig and sig.dose else None
        for other, held in self.seen.get(key, []):
            if other != kind and (held is None or dose is None or held == dose):
                return True
        self.seen.setdefault(key, []).append((kind, dose))
        return False

    def _concept(self, where: str, resource: dict[str, Any], model: Any) -> tuple[Any, str]:
        """The medicine's CodeableConcept, through a reference if need be, and its words."""
        concept = model.medicationCodeableConcept
        if concept is not None:
            return concept, _label(concept) or f"{where} (no name given)"
        reference = model.medicationReference
        target = self._referenced(resource, reference.reference or "")
        medication = self._validate(where, "Medication", target) if target else None
        shown = reference.display or reference.reference or f"{where} (no name given)"
        if medication is None or (medication.code is None and not medication.ingredient):
            return None, shown
        if medication.code is not None and (_label(medication.code) or medication.code.coding):
            return medication.code, _label(medication.code) or shown
        parts = [_label(i.itemCodeableConcept) for i in medication.ingredient if i.itemCodeableConcept]
        return None, " / ".join(p for p in parts if p) or shown

    def _referenced(self, resource: dict[str, Any], reference: str) -> dict[str, Any] | None:
        if reference.startswith("#"):
            contained = resource.get("contained")
            for inner in contained if isinstance(contained, list) else []:
                if isinstance(inner, dict) and inner.get("id") == reference[1:]:
                    return inner if inner.get("resourceType") == "Medication" else None
            return None
        target = self.by_reference.get(reference) or self.by_reference.get("/".join(reference.split("/")[-2:]))
        if isinstance(target, dict) and target.get("resourceType") == "Medication":
            return target
        return None

    def _name(self, where: str, concept: Any, text: str) -> tuple[Resolution, str]:
        """Which ingredients: by the words when they are known, else by RxNorm or ATC code.

        A code that says another drug than the words is noted; the words are what people read, and both
        are shown.
        """
        spoken = self.knowledge.names.resolve(text)
        coded: tuple[str, ...] = ()
        for coding in (concept.coding or []) if concept is not None else []:
            code = (coding.code or "").strip()
            if coding.system == RXNORM:
                coded = coded or self.knowledge.names.rxcui.get(code, ())
            elif coding.system in ATC:
                coded = coded or self.knowledge.names.atc.get(code.upper(), ())
            if not spoken.ingredients and coding.display:
                other = self.knowledge.names.resolve(coding.display)
                spoken = other if other.ingredients else spoken
        if spoken.ingredients and coded and not set(coded) <= set(spoken.ingredients):
            names = ", ".join(self.knowledge.ingredients[d].name for d in coded)
            self.builder.note(where, f"{text!r} carries the code of {names}; read by its words, check the record")
        if spoken.ingredients or not coded:
            return spoken, text
        return Resolution(text, spoken.folded, coded, route=spoken.route), text

    def _dosage(self, where: str, dosages: list[Any], text: str) -> tuple[Sig | None, Route | None]:
        """Dose, frequency and route from the structured or written dosages and the name's strength.

        Several dosages at once (morning and evening) add up to a daily dose; dosages in sequence (a taper) do not:
        the first is read and the rest noted.
        """
        named = parse_sig(text[:MAX_TEXT])
        if not dosages:
            return (named if named.dose else None), None
        read = [self._one_dosage(d, named) for d in dosages]
        first = read[0]
        route = self.knowledge.names.route(_label(dosages[0].route) or "") if dosages[0].route else None
        if dosages[0].route and any(c.code == "6064005" for c in dosages[0].route.coding or []):
            route = Route.TOPICAL
        route = route or (self.knowledge.names.resolve(text).route if dosages[0].route is None else None)
        if len(read) == 1:
            return first, route
        together = len({d.sequence for d in dosages}) == 1 and len({s.unit for s in read}) == 1
        if together and all(s.dose is not None and s.per_day is not None for s in read):
            total = sum((s.dose or 0) * (s.per_day or 0) for s in read)
            return Sig(total, first.unit, 1.0, any(s.as_needed for s in read)), route
        self.builder.note(where, f"{text!r} has {len(read)} dosages; only the first was read")
        return first, route

    def _one_dosage(self, dosage: Any, named: Sig) -> Sig:
        written = parse_sig(dosage.text[:MAX_TEXT]) if dosage.text else Sig()
        dose, unit = written.dose, written.unit
        amount = next((r.doseQuantity for r in dosage.doseAndRate or [] if r.doseQuantity), None)
        count = written.count
        if amount is not None and amount.value is not None and 0 < amount.value <= MAX_DOSE:
            words = [str(w).casefold() for w in (amount.code, amount.unit) if w]
            mass = next((UNITS[w] for w in (*words, *(w.strip("[]{}") for w in words)) if w in UNITS), None)
            if mass:
                dose, unit = float(amount.value), mass
            elif not words or any(w.rstrip("s") in _TABLETS or w in _TABLETS for w in words):
                count = float(amount.value)
        if dose is None and named.dose is not None:
            dose, unit = named.dose * count, named.unit
        repeat = dosage.timing.repeat if dosage.timing else None
        per_day = _per_day(repeat) if repeat else None
        if per_day is None and dosage.timing and dosage.timing.code:
            per_day = parse_sig(_label(dosage.timing.code) or "").per_day
        as_needed = bool(dosage.asNeededBoolean) or dosage.asNeededCodeableConcept is not None
        return Sig(dose, unit, per_day or written.per_day or named.per_day, as_needed or written.as_needed)

    def _condition_ids(self, concept: Any) -> tuple[str, ...]:
        found: list[str] = []
        for coding in concept.coding or []:
            code = (coding.code or "").strip()
            if coding.system in ICD10:
                found += self.knowledge.condition_names.by_icd10(code)
            elif coding.system == SNOMED:
                found += self.knowledge.condition_names.by_snomed(code)
        for text in (concept.text, *(c.display for c in concept.coding or [])):
            if not found and text:
                found += self.knowledge.condition_names.by_text(text)
        return tuple(dict.fromkeys(found))

    def _condition(self, where: str, resource: dict[str, Any], model: Any) -> None:
        status = _code(model.clinicalStatus)
        verified = _code(model.verificationStatus)
        self.builder.conditions_complete = True
        if status in ("inactive", "resolved", "remission") or verified in (
            "refuted",
            "entered-in-error",
        ):
            return
        if model.code is None:
            self.builder.note(where, "Condition without a code; set aside")
            return
        self.builder.condition(_label(model.code) or "unnamed condition", self._condition_ids(model.code))

    def _observation(self, where: str, resource: dict[str, Any], model: Any) -> None:
        if model.status in ("entered-in-error", "cancelled"):
            return
        when = model.effectiveDateTime or (model.effectivePeriod and model.effectivePeriod.start)
        codes = [(c.system or "", c.code or "") for c in model.code.coding or []]
        problem = set_observation(self.builder.fields, codes, model.valueQuantity, _as_date(when))
        if problem:
            self.builder.note(where, problem)
        for part in model.component or []:
            codes = [(c.system or "", c.code or "") for c in part.code.coding or []]
            set_observation(self.builder.fields, codes, part.valueQuantity, _as_date(when))

    def _allergy(self, where: str, resource: dict[str, Any], model: Any) -> None:
        if _code(model.clinicalStatus) in ("inactive", "resolved") or _code(model.verificationStatus) in (
            "refuted",
            "entered-in-error",
        ):
            return
        text = _label(model.code) if model.code else None
        if not text:
            self.builder.note(where, "AllergyIntolerance without a name; set aside")
            return
        reactions = [_label(m) for r in model.reaction or [] for m in r.manifestation or []]
        self.builder.allergy(text, "; ".join(r for r in reactions if r) or None)


# -- small readers of FHIR data types ---------------------------------------------------------


def _subject_of(resource: Any) -> str | None:
    """Whose medicine an entry is."""
    if not isinstance(resource, dict) or resource.get("resourceType") not in MEDICINES:
        return None
    subject = resource.get("subject")
    reference = subject.get("reference") if isinstance(subject, dict) else None
    return reference if isinstance(reference, str) else None


def _label(concept: Any) -> str | None:
    """What a CodeableConcept says in words; else its first code, so that nothing stays nameless."""
    if concept is None:
        return None
    texts = [concept.text, *(c.display for c in concept.coding or [])]
    codes = [c.code for c in concept.coding or []]
    return next((t.strip() for t in (*texts, *codes) if t and t.strip()), None)


def _code(concept: Any) -> str | None:
    return next((c.code for c in concept.coding or [] if c.code), None) if concept else None


_DAYS = {"s": 1 / 86400, "min": 1 / 1440, "h": 1 / 24, "d": 1.0, "wk": 7.0, "mo": 30.0, "a": 365.0}


def _per_day(repeat: Any) -> float | None:
    """Administrations a day of a Timing.repeat; None where it does not say or says what cannot be."""
    days = _DAYS.get(repeat.periodUnit or "")
    frequency, period = float(repeat.frequency or 1), float(repeat.period or 0)
    if repeat.dayOfWeek:
        return len(set(repeat.dayOfWeek)) / 7
    if days is None or period <= 0 or frequency <= 0:
        return None
    rate = frequency / (period * days)
    return rate if math.isfinite(rate) and 0 < rate <= MAX_PER_DAY else None


def _as_date(value: Any) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else None


def _date(text: str) -> date | None:
    """A FHIR date, which may be a year or a month: the middle of what it says."""
    try:
        return date.fromisoformat({4: text + "-07-01", 7: text + "-15"}.get(len(text), text[:10]))
    except ValueError:
        return None


def _short(error: Any) -> str:
    return str(error["msg"]).removeprefix("Value error, ").rstrip(".")[:100]


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _copy(v) for k, v in value.items()}
    return [_copy(v) for v in value] if isinstance(value, list) else value


def _remove(body: dict[str, Any], path: tuple[int | str, ...]) -> str | None:
    """Delete the deepest part of `path` that stands in `body`; its dotted name, or None."""
    parent: Any = body
    trail: list[str] = []
    last: tuple[Any, int | str] | None = None
    for step in path:
        holds = (
            step in parent
            if isinstance(parent, dict)
            else (isinstance(parent, list) and isinstance(step, int) and step < len(parent))
        )
        if not holds:
            break
        last = (parent, step)
        trail.append(str(step))
        parent = parent[step]
    if last is None:
        return None
    del last[0][last[1]]
    return ".".join(trail)


def _texts(value: Any, depth: int = 0) -> Iterator[str]:
    """Whatever words a broken medicine entry holds for its name."""
    if depth > 8:
        return
    if isinstance(value, dict):
        for key in ("text", "display"):
            if isinstance(value.get(key), str) and value[key].strip():
                yield value[key].strip()[:MAX_TEXT]
        for key, inner in value.items():
            if key.startswith("medication") or key in ("coding", "code", "concept"):
                yield from _texts(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, depth + 1)


def _unresolved(text: str, knowledge: Knowledge) -> Any:
    from polypharmacy.patients.patient import Unresolved

    return Unresolved(text=text, nearest=knowledge.names.nearest(text))
