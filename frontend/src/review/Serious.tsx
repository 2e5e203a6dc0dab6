import type { PatientReview } from "../api/client";
import { Mark, Shape } from "../ui/Mark";
import { TONES } from "./FindingCard";

/** Of how many problems what to do stands open: many at once are read by nobody. All are named. */
const IN_FULL = 3;

/** The few problems to act on first, before everything else. */
export function Serious({ review }: { review: PatientReview }) {
  const all = [...review.findings, ...review.brought].filter((f) => f.serious);
  const left = all.filter((f) => !f.eased);
  const done = [...review.resolved.filter((f) => f.serious), ...all.filter((f) => f.eased)];
  const fresh = [...review.arising];
  return (
    <section className={`card serious ${left.length > 0 ? "open-problems" : ""}`} aria-labelledby="serious">
      <h2 id="serious">
        {left.length > 0
          ? `${left.length} serious ${left.length === 1 ? "problem" : "problems"} to act on first`
          : "No serious problem is left"}
      </h2>
      {left.length === 0 && done.length === 0 && <p>{review.answer}</p>}
      <ul>
        {left.map((f, index) => (
          <li key={`${f.id}-${f.drugs.join()}`}>
            <Shape tone="urgent" />
            {index < IN_FULL ? (
              <div>
                <b>{f.message}</b>
                <p>{f.management}</p>
              </div>
            ) : (
              <details>
                <summary>{f.message}</summary>
                <p>{f.management}</p>
              </details>
            )}
          </li>
        ))}
      </ul>
      {done.length > 0 && (
        <details>
          <summary>
            {done.length} dealt with by your decisions
          </summary>
          <ul>
            {done.map((f) => (
              <li key={`${f.id}-${f.drugs.join()}`}>
                <Shape tone="keep" />
                <div>{f.message}</div>
              </li>
            ))}
          </ul>
        </details>
      )}
      {fresh.length > 0 && (
        <>
          <h3>New with your decisions</h3>
          <ul>
            {fresh.map((f) => (
              <li key={`${f.id}-${f.drugs.join()}`}>
                <Mark tone={TONES[f.severity]} word={f.kind === "start" ? "Consider starting" : "Weigh"} />
                <div>
                  {f.message} <span className="soft">{f.management}</span>
                </div>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
