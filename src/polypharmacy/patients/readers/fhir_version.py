"""Tells FHIR R4 from its neighbours, which share resource names but not their shapes."""

from typing import Any

R4_VERSIONS = ("4.0", "4.1", "4.3")


def foreign_version(document: Any, resources: list[Any]) -> str | None:
    """The version a document is in when it is not R4, or None.

    A stated version decides; without one, a document is foreign when every medicine entry in it has
    another version's shape. A single odd entry among others is left to the reader to set aside.
    """
    stated = _stated(document)
    if stated and not stated.startswith(R4_VERSIONS):
        return stated
    medicines = [
        r for r in resources if isinstance(r, dict) and str(r.get("resourceType", "")).startswith("Medication")
    ]
    shapes = [_shape(r) for r in medicines if r.get("resourceType") != "Medication"]
    if shapes and all(shapes):
        return shapes[0]
    return None


def _stated(document: Any) -> str | None:
    """A version written into fhirVersion or a core profile's URL."""
    if not isinstance(document, dict):
        return None
    if isinstance(document.get("fhirVersion"), str):
        return str(document["fhirVersion"])
    meta = document.get("meta")
    profiles = meta.get("profile") if isinstance(meta, dict) else None
    for profile in profiles if isinstance(profiles, list) else []:
        prefix = "http://hl7.org/fhir/"
        if isinstance(profile, str) and profile.startswith(prefix):
            version = profile[len(prefix) :].split("/")[0]
            if version[:1].isdigit():
                return version
    return None


def _shape(resource: dict[str, Any]) -> str | None:
    kind = resource.get("resourceType")
    medication = resource.get("medication")
    if isinstance(medication, dict) and {"concept", "reference"} & set(medication):
        return "R5" if not isinstance(medication.get("reference"), str) else None
    if kind == "MedicationOrder":
        return "DSTU2"
    if kind == "MedicationStatement" and (
        "taken" in resource or "wasNotTaken" in resource or "reasonForUseCodeableConcept" in resource
    ):
        return "STU3" if "taken" in resource else "DSTU2"
    requester = resource.get("requester")
    if kind == "MedicationRequest" and (
        "context" in resource or "definition" in resource or (isinstance(requester, dict) and "agent" in requester)
    ):
        return "STU3"
    return None
