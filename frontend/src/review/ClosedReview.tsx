import type { ClosedReview as Closed } from "../api/client";
import { Shell } from "../ui/Shell";
import { plain, sayAction } from "./board";
import { whoOf } from "./Person";

/** A review that can be read, not continued: why, who, and what was done. */
export function ClosedReview({ review }: { review: Closed }) {
  const { patient } = review;
  return (
    <Shell>
      <div className="open">
        <h1>Read only</h1>
        <p role="alert" className="banner">
          {review.problem} <a href="/">{patient ? "Open a patient" : "Open an episode"}</a>
        </p>
        <div className="open-grid">
          <section className="card" aria-labelledby="who">
            <h2 id="who">
              {patient ? whoOf(patient) : `${plain(review.task_id ?? "")}, ${plain(review.split ?? "")} ${review.index}`}
            </h2>
            {patient && (
              <>
                <p>Conditions: {patient.conditions.map((c) => c.text).join(", ") || "none stated"}</p>
                <h3>Medicines, as they were written</h3>
                <ul className="bullets">
                  {patient.medications.map((m, index) => (
                    <li key={index}>{m.text}</li>
                  ))}
                </ul>
              </>
            )}
          </section>
          <section className="card" aria-labelledby="done">
            <h2 id="done">What was done</h2>
            {review.timeline.length === 0 && <p className="soft">Nothing.</p>}
            <ol className="timeline">
              {review.timeline.map((row) => (
                <li key={row.sequence} className={row.taken_back ? "gone" : ""}>
                  <span className="number">{row.sequence}</span>
                  <span className="did">
                    {row.action ? sayAction(row.action) : `Took back step ${row.undoes}`}
                    {row.action?.rationale && <span className="soft small reason">{row.action.rationale}</span>}
                  </span>
                </li>
              ))}
            </ol>
          </section>
        </div>
      </div>
    </Shell>
  );
}
