import type { Finding, PatientReview } from "../api/client";
import { FindingCard } from "./FindingCard";

const PARTS: { kind: Finding["kind"]; title: string; missing: (review: PatientReview) => string | null }[] = [
  {
    kind: "renal",
    title: "Kidneys",
    missing: ({ patient: p }) => (p.egfr === null && p.creatinine_clearance === null ? "Not checked: no eGFR is stated." : null),
  },
  {
    kind: "hepatic",
    title: "Liver",
    missing: ({ patient: p }) => (p.child_pugh === null ? "Not checked: no Child-Pugh class is stated." : null),
  },
  {
    kind: "pgx",
    title: "Genes",
    missing: ({ patient: p }) => (Object.keys(p.phenotypes).length === 0 ? "Not checked: no phenotype is stated." : null),
  },
];

/** What kidneys, liver and genes ask for. */
export function Organs({ review }: { review: PatientReview }) {
  return PARTS.map(({ kind, title, missing }) => {
    const found = [...review.findings, ...review.brought].filter((f) => f.kind === kind);
    const gap = missing(review);
    return (
      <div key={kind}>
        <h3>{title}</h3>
        {gap !== null && <p>{gap}</p>}
        {found.map((f) => (
          <FindingCard key={`${f.id}-${f.drugs.join()}`} finding={f} />
        ))}
        {gap === null && found.length === 0 && (
          <p>None found in knowledge base {review.knowledge.version}. That is not the same as safe.</p>
        )}
      </div>
    );
  });
}
