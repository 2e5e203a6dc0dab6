import type { OpenReview } from "../api/client";

export interface Facts {
  age: string;
  sex: "" | "female" | "male";
  egfr: string;
  conditions: string;
}

export const NO_FACTS: Facts = { age: "", sex: "", egfr: "", conditions: "" };

/** What opens a review of `text`: a FHIR resource as such, else a list or table with the facts typed beside it. Throws
 * an Error that says what is wrong with the text.
 */
export function patientOf(text: string, facts: Facts = NO_FACTS): OpenReview["patient"] {
  const trimmed = text.trim();
  if (trimmed === "") throw new Error("Nothing to read yet: paste a list, one medicine a line, or drop a file.");
  if (trimmed.startsWith("{") || trimmed.startsWith("[")) {
    let read: unknown;
    try {
      read = JSON.parse(trimmed);
    } catch {
      throw new Error("This begins like JSON, but is not: check that the whole file was copied.");
    }
    if (read === null || typeof read !== "object" || !("resourceType" in read)) {
      throw new Error("This JSON has no resourceType: a FHIR R4 Bundle is needed, or a list of medicines as text.");
    }
    return read as { resourceType: string };
  }
  const conditions = facts.conditions.split(/[,;\n]/).map((c) => c.trim()).filter(Boolean);
  return {
    text: trimmed,
    age: number(facts.age, "Age"),
    sex: facts.sex || null,
    egfr: number(facts.egfr, "eGFR"),
    conditions: conditions.length > 0 ? conditions : null,
  } as OpenReview["patient"];
}

function number(value: string, name: string): number | null {
  if (value.trim() === "") return null;
  const read = Number(value.replace(",", "."));
  if (!Number.isFinite(read)) throw new Error(`${name}: ${value} is not a number.`);
  return read;
}
