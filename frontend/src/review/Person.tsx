import type { PatientReview, TaskReview } from "../api/client";
import { Mark } from "../ui/Mark";
import { plain } from "./board";

const LABS: Record<string, string> = { qtc: "QTc", inr: "INR", hba1c: "HbA1c", egfr: "eGFR", systolic_bp: "systolic" };
/** As the knowledge base reads them (LabName). */
const UNITS: Record<string, string> = {
  potassium: "mmol/L", sodium: "mmol/L", qtc: "ms", hba1c: "%", heart_rate: "/min", systolic_bp: "mmHg", weight: "kg",
  height: "cm", creatinine: "mg/dL",
};

/** Who it is, and how much of the list is known. */
export function Person({ review }: { review: PatientReview | TaskReview }) {
  return review.kind === "patient" ? <PatientLine review={review} /> : <EpisodeLine review={review} />;
}

/** "Woman, 82". */
export function whoOf({ sex, age }: Pick<PatientReview["patient"], "sex" | "age">): string {
  return `${sex === null ? "Person" : sex === "female" ? "Woman" : "Man"}, ${age ?? "age not stated"}`;
}

function PatientLine({ review }: { review: PatientReview }) {
  const { patient: p, coverage: c } = review;
  const labs = Object.entries(p.labs).map(([name, lab]) => [LABS[name] ?? plain(name), lab.value, UNITS[name]].filter(Boolean).join(" "));
  const kidneys = [p.egfr === null ? "" : `eGFR ${p.egfr}`, p.creatinine_clearance === null ? "" : `CrCl ${p.creatinine_clearance} mL/min`];
  const genes = Object.entries(p.phenotypes).map(([gene, phenotype]) => `${gene} ${phenotype}`);
  const unknown = c.unresolved.map((u) => (u.nearest.length > 0 ? `${u.text} (near: ${u.nearest.join(", ")})` : u.text));
  return (
    <section className="person" aria-label="Patient">
      <h1>{whoOf(p)}</h1>
      <dl>
        <Fact name="Kidneys">
          {kidneys.filter(Boolean).join(", ") || "not stated"}
        </Fact>
        <Fact name="Liver">{p.child_pugh === null ? "not stated" : `Child-Pugh ${p.child_pugh}`}</Fact>
        <Fact name="Genes">{genes.join(", ") || "not stated"}</Fact>
        {labs.length > 0 && <Fact name="Labs">{labs.join(", ")}</Fact>}
        {p.allergies.length > 0 && <Fact name="Allergies">{p.allergies.map((a) => a.text).join(", ")}</Fact>}
        <Fact name="Conditions">{p.conditions.map((x) => x.text).join(", ") || "none stated"}</Fact>
        <Fact name={`Knowledge ${review.knowledge.version}`}>
          {c.resolved} of {c.mentions} medicines known
        </Fact>
      </dl>
      {unknown.length > 0 && (
        <p className="gap">
          <Mark tone="urgent" word="Not reviewed" /> {unknown.join("; ")}. Check the spelling, or review by hand.
        </p>
      )}
      {review.allergy_conflicts.map((a) => (
        <p key={`${a.allergy}-${a.drug}`} className="gap">
          <Mark tone="urgent" word="Allergy" /> {a.allergy} is recorded, and {plain(a.drug)} is on the list
          {a.reaction ? ` (${a.reaction})` : ""}.
        </p>
      ))}
      {(review.notes.length > 0 || c.conditions_not_recognised.length > 0 || c.allergies_not_recognised.length > 0) && (
        <details className="gap">
          <summary>How the record was read</summary>
          <ul>
            {review.notes.map((n) => (
              <li key={`${n.where}-${n.message}`}>
                {n.where}: {n.message}
              </li>
            ))}
            {c.conditions_not_recognised.map((t) => (
              <li key={t}>Condition not recognised: {t}</li>
            ))}
            {c.allergies_not_recognised.map((t) => (
              <li key={t}>Allergy not recognised: {t}</li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

function EpisodeLine({ review }: { review: TaskReview }) {
  const seen = review.observation;
  const who = [seen.sex === "female" ? "Woman" : seen.sex === "male" ? "Man" : "Person", seen.age ?? "age not known"];
  return (
    <section className="person" aria-label="Patient">
      <h1>{who.join(", ")}</h1>
      <dl>
        <Fact name="Episode">
          {plain(review.task_id)}, {plain(review.split)} {review.index} (a made-up person)
        </Fact>
        <Fact name="Kidneys">{seen.eGFR_category}</Fact>
        <Fact name="Liver">{seen.liver_function_category}</Fact>
        <Fact name="Conditions">{seen.conditions.join(", ") || "none seen"}</Fact>
        <Fact name="Knowledge">{review.knowledge.version}</Fact>
      </dl>
    </section>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
