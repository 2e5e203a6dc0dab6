import type { ClosedReview as Closed } from "../api/client";
import { Shell } from "../ui/Shell";
import { plain, sayAction } from "./board";

/** A review that can be read, not continued: why, who, and what was done. */
export function ClosedReview({ review }: { review: Closed }) {
  return (
    <Shell>
      <div className="open">
        <h1>Read only</h1>
        <p role="alert">{review.problem}</p>
        <section className="card">
          {review.patient ? (
            <>
              <h2>Medicines, as they were read</h2>
              <ul>
                {review.patient.medications.map((m) => (
                  <li key={m.text}>{m.text}</li>
                ))}
              </ul>
            </>
          ) : (
            <h2>
              {plain(review.task_id ?? "")}, {plain(review.split ?? "")} {review.index}
            </h2>
          )}
          <h2>What was done</h2>
          <ol>
            {review.timeline.map((row) => (
              <li key={row.sequence}>{row.action ? sayAction(row.action) : `Took back step ${row.undoes}`}</li>
            ))}
          </ol>
        </section>
      </div>
    </Shell>
  );
}
