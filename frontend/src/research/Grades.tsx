import { Button, Loader } from "@mantine/core";
import type { TaskReview } from "../api/client";
import { sentence } from "../ui/Told";
import { useRun, useScore } from "./runs";

const AGENT = "belief_greedy";

/** Grades of one episode beside one another: this review's, and what others reach on the same. */
export function Grades({ review }: { review: TaskReview }) {
  const score = useScore(review);
  const run = useRun({ task: review.task_id, split: review.split, index: review.index, seed: 0 }, AGENT, review.finished);
  if (!review.finished) return <p className="soft">Told after the end, beside the oracle&apos;s and {AGENT}&apos;s.</p>;
  const rows: { name: string; about: string; grade: number | undefined; id: string }[] = [
    { name: "This review", about: review.undone > 0 ? `${review.undone} taken back: not a grade of the task's own` : "", grade: review.grade ?? 0, id: "mine" },
    { name: "oracle", about: "knows the chart, obeys the same budgets", grade: score.data?.oracle, id: "oracle" },
    { name: AGENT, about: "sees what you see", grade: run.data?.score.grade, id: AGENT },
    { name: "do_nothing", about: "finishes at once", grade: score.data?.do_nothing, id: "nothing" },
  ];
  const late = run.error ?? run.failureReason;
  return (
    <>
      <table className="plain grades">
        <caption className="hidden">Grades of this episode</caption>
        <thead>
          <tr>
            <th scope="col">Who</th>
            <th scope="col">Grade</th>
            <td />
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, about, grade, id }) => (
            <tr key={id}>
              <th scope="row">
                {name} <span className="soft small">{about}</span>
              </th>
              <td data-testid={`grade-${id}`}>{grade === undefined ? "–" : grade.toFixed(3)}</td>
              <td aria-hidden="true">
                <span className="bar">
                  <span className="now" style={{ width: `${100 * (grade ?? 0)}%` }} />
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {score.error && <p role="alert">{sentence(score.error.message)}</p>}
      {run.data === undefined && (
        <div className="row" role="status">
          {run.error === null && <Loader size="xs" />}
          <span>{late === null ? `${AGENT} plays this episode` : late.message}</span>
          {late !== null && (
            <Button size="compact-xs" variant="default" onClick={() => void run.refetch()}>
              Ask again
            </Button>
          )}
        </div>
      )}
    </>
  );
}
