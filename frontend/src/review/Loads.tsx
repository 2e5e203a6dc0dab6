import type { PatientReview } from "../api/client";
import { Mark } from "../ui/Mark";
import { burdenName } from "./board";

/** What several medicines add up to, against the level at which it counts. */
export function Loads({ review }: { review: PatientReview }) {
  const names = new Map(review.medicines.map((m) => [m.slot, m.name]));
  return (
    <ul className="loads">
      {review.burdens.map((b) => {
        const scale = Math.max(b.total, b.total_before, b.threshold) + 1;
        const from = Object.entries(b.by_slot).map(([slot, n]) => `${names.get(Number(slot))}${n > 1 ? ` ${n}` : ""}`);
        return (
          <li key={b.id}>
            <p className="finding-head">
              <b>{burdenName(b.id)}</b>
              {b.reached ? <Mark tone="change" word="At the limit or above" /> : <Mark tone="keep" word="Below the limit" />}
              <span>
                {" "}
                {b.total}
                {b.total !== b.total_before && <span className="soft"> (was {b.total_before})</span>}, limit {b.threshold}
              </span>
            </p>
            <div className="load" aria-hidden="true">
              <span className="was" style={{ width: `${(100 * b.total_before) / scale}%` }} />
              <span className={`now ${b.reached ? "over" : ""}`} style={{ width: `${(100 * b.total) / scale}%` }} />
              <span className="limit" style={{ left: `${(100 * b.threshold) / scale}%` }} />
            </div>
            <p className="soft">{from.length > 0 ? from.join(", ") : "No medicine adds to it."}</p>
            {b.reached && <p>{b.management}</p>}
          </li>
        );
      })}
    </ul>
  );
}
