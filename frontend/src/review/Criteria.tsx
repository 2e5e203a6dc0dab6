import type { Finding, PatientReview } from "../api/client";
import { FindingCard } from "./FindingCard";

const LISTS: { kind: Finding["kind"]; title: string }[] = [
  { kind: "stopp", title: "STOPP" },
  { kind: "beers", title: "Beers" },
  { kind: "start", title: "START: consider adding" },
];

/** Explicit criteria that are met, and those that could not be evaluated. */
export function Criteria({ review }: { review: PatientReview }) {
  const missing = new Map<string, string[]>();
  for (const row of review.not_evaluated) {
    const needs = row.needs.join(", ");
    missing.set(needs, [...(missing.get(needs) ?? []), row.id]);
  }
  return (
    <>
      {LISTS.map(({ kind, title }) => {
        const found = [...review.findings, ...review.brought].filter((f) => f.kind === kind || f.also.some((a) => a.startsWith(`${kind}-`)));
        return (
          <div key={kind}>
            <h3>{title}</h3>
            {found.length === 0 && <p>None met in knowledge base {review.knowledge.version}.</p>}
            {found.map((f) => (
              <FindingCard key={`${f.id}-${f.drugs.join()}`} finding={f} brief />
            ))}
          </div>
        );
      })}
      <h3>Could not be evaluated ({review.not_evaluated.length})</h3>
      {missing.size === 0 ? (
        <p>Everything that applies was evaluated.</p>
      ) : (
        <dl className="missing">
          {[...missing].map(([needs, ids]) => (
            <div key={needs}>
              <dt>Needs {needs}</dt>
              <dd>{ids.join(", ")}</dd>
            </div>
          ))}
        </dl>
      )}
    </>
  );
}
