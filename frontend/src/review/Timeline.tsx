import { Button } from "@mantine/core";
import type { PatientReview, TaskReview, TimelineRow } from "../api/client";
import { sayAction } from "./board";

/** Every step in order, kept for good; taking one back is a step too. */
export function Timeline({ review, onUndo }: { review: PatientReview | TaskReview; onUndo: (sequence: number) => void }) {
  const undoable = new Set(review.can_undo);
  return (
    <section className="card" aria-labelledby="timeline">
      <h2 id="timeline">Timeline</h2>
      {review.timeline.length === 0 ? (
        <p className="soft">Nothing was done yet. Every step is stored as you take it.</p>
      ) : (
        <ol className="timeline">
          {review.timeline.map((row) => (
            <li key={row.sequence} className={row.taken_back ? "gone" : ""}>
              <span className="number">{row.sequence}</span>
              <span className="did">
                {row.action ? sayAction(row.action) : `Took back step ${row.undoes}`}
                {row.taken_back && <span className="soft"> (taken back)</span>}
                {brought(row) !== "" && <span className="soft"> {brought(row)}</span>}
                {row.error && <span className="bad"> {row.error}</span>}
                {row.action?.rationale && <span className="soft small reason">{row.action.rationale}</span>}
              </span>
              {undoable.has(row.sequence) && (
                <Button size="compact-xs" variant="subtle" color="gray" onClick={() => onUndo(row.sequence)}>
                  Undo<span className="hidden"> step {row.sequence}</span>
                </Button>
              )}
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

function brought(row: TimelineRow): string {
  const parts = [];
  if (row.points_off) parts.push(`${row.points_off > 0 ? "−" : "+"}${Math.abs(row.points_off)} points`);
  if (row.found) parts.push(row.found === "none" ? "none found" : row.found);
  if (row.reward !== null && row.reward !== undefined) parts.push(`${row.reward >= 0 ? "+" : "−"}${Math.abs(row.reward).toFixed(3)}`);
  return parts.join(", ");
}
