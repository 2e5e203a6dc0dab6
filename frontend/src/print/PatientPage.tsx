import { Button, Loader } from "@mantine/core";
import { useReview } from "../review/useReview";
import { Shell } from "../ui/Shell";
import { Told } from "../ui/Told";
import { questions } from "./questions";

/** A page for the patient to take home and bring along: what to take, and what to ask. */
export function PatientPage({ id }: { id: string }) {
  const { query } = useReview(id);
  const review = query.data;
  if (review === undefined || review.kind !== "patient") {
    return (
      <Shell>
        <div className="open">
          <h1>My medicines</h1>
          {query.error ? (
            <Told error={query.error} />
          ) : review === undefined ? (
            <Loader size="xs" aria-label="Reading the review" />
          ) : (
            <p>This page is made for a patient&apos;s review. An episode of a task has none.</p>
          )}
        </div>
      </Shell>
    );
  }
  const rows = [...review.medicines].sort((a, b) => a.slot - b.slot);
  return (
    <Shell bar={<><span className="grow" /><Button size="xs" onClick={() => window.print()}>Print</Button></>}>
      <article className="sheet">
        <h1>My medicines</h1>
        <p className="lead">
          Bring this page to your next visit. <b>Keep taking your medicines as you were told.</b> Do not change anything on
          your own: ask first.
        </p>
        <p>
          Name: <span className="blank" /> Date: <span className="blank" />
        </p>
        <ol>
          {rows.map((m) => {
            const ask = questions(review, m);
            const shown = m.was === null ? m.name : (review.patient.medications.find((r) => r.ingredient === m.was)?.text ?? m.was);
            return (
              <li key={m.slot}>
                <h2>{shown}</h2>
                {m.was === null && m.dose !== "" && <p>On my list: {m.dose}</p>}
                {m.taken_for.length > 0 && <p>For: {m.taken_for.join(", ").toLowerCase()}</p>}
                {ask.length > 0 && (
                  <>
                    <p className="ask">Ask:</p>
                    <ul>
                      {ask.map((q) => (
                        <li key={q}>{q}</li>
                      ))}
                    </ul>
                  </>
                )}
              </li>
            );
          })}
        </ol>
        {review.coverage.unresolved.length > 0 && (
          <>
            <h2>Not looked at</h2>
            <p>Nobody has checked these yet. Show them to your pharmacist:</p>
            <ul>
              {review.coverage.unresolved.map((u) => (
                <li key={u.text}>{u.text}</li>
              ))}
            </ul>
          </>
        )}
        <h2>Get help at once if you have</h2>
        <p>black stools or bleeding that does not stop, fainting, sudden confusion, trouble breathing, or a new rash with fever.</p>
        <p className="small printed">For research and decision support. A clinician decides.</p>
      </article>
    </Shell>
  );
}
