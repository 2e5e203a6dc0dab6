import type { PatientReview, TaskReview } from "../api/client";
import { useScore } from "../research/runs";
import { plain } from "./board";

const NAMES: Record<string, string> = {
  interaction: "Interactions",
  duplicate: "Duplicates",
  beers: "Beers",
  stopp: "STOPP",
  renal: "Kidneys",
  hepatic: "Liver",
  pgx: "Genes",
  burden: "Burdens",
  need: "Needs not met",
};

/** Regimen risk before and after the decisions, with what it is made of. */
export function Risk({ review }: { review: PatientReview }) {
  const { before, after, after_plan: plan } = review.risk;
  const parts = [...new Set([...Object.keys(before.components), ...Object.keys(after.components)])];
  const most = Math.max(before.total, after.total, 1);
  const change = after.total - before.total;
  return (
    <section className="card risk" aria-labelledby="risk">
      <h2 id="risk">Regimen risk</h2>
      <p className="figures">
        <span className="figure">
          <b data-testid="risk-before">{before.total}</b> at the start
        </span>
        <span aria-hidden="true" className="arrow">
          →
        </span>
        <span className="figure">
          <b data-testid="risk-after">{after.total}</b> now
          {change !== 0 && (
            <span className={change < 0 ? "good" : "bad"}>
              {" "}
              ({change < 0 ? "−" : "+"}
              {Math.abs(change)})
            </span>
          )}
        </span>
        <span className="figure soft">{plan.total} if the whole plan is followed</span>
      </p>
      <table className="parts">
        <caption className="hidden">Points by kind of finding</caption>
        <thead>
          <tr>
            <th scope="col">Points</th>
            <th scope="col">Start</th>
            <th scope="col">Now</th>
            <td />
          </tr>
        </thead>
        <tbody>
          {parts.map((part) => {
            const [was, now] = [before.components[part] ?? 0, after.components[part] ?? 0];
            return (
              <tr key={part}>
                <th scope="row">{NAMES[part] ?? plain(part)}</th>
                <td>{was}</td>
                <td>{now}</td>
                <td aria-hidden="true">
                  <span className="bar">
                    <span className="was" style={{ width: `${(100 * was) / most}%` }} />
                    <span className="now" style={{ width: `${(100 * now) / most}%` }} />
                  </span>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <p className="soft small">Points of this project&apos;s own scale, to compare lists. Not a probability.</p>
    </section>
  );
}

/** What is left of an episode's budgets; its score once it has ended. */
export function Budgets({ review }: { review: TaskReview }) {
  const seen = review.observation;
  const rows: [string, number, number][] = [
    ["Queries", seen.remaining_query_budget, review.query_budget],
    ["Interventions", seen.remaining_intervention_budget, review.intervention_budget],
    ["Steps", seen.remaining_steps, review.step_budget],
  ];
  return (
    <section className="card budgets" aria-labelledby="budgets">
      <h2 id="budgets">{review.finished ? "Finished" : "Left"}</h2>
      {review.finished && <Score review={review} />}
      <dl className="budget-rows">
        {rows.map(([name, left, of]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <b>{left}</b> of {of} left
              <span className="bar" aria-hidden="true">
                <span className="now" style={{ width: `${(100 * left) / of}%` }} />
              </span>
            </dd>
          </div>
        ))}
        <div>
          <dt>Return so far</dt>
          <dd>
            <b>{review.raw_return.toFixed(3).replace("-", "−")}</b>
          </dd>
        </div>
      </dl>
    </section>
  );
}

function Score({ review }: { review: TaskReview }) {
  const score = useScore(review);
  return (
    <div role="status">
      <p className="figures">
        <span className="figure">
          <b data-testid="grade">{(review.grade ?? 0).toFixed(3)}</b> grade
        </span>
        {score.isPending && <span className="soft">Finding the best there was</span>}
        {score.data && (
          <>
            <span className="figure beside">
              <b data-testid="oracle">{score.data.oracle.toFixed(3)}</b> the best there was
            </span>
            <span className="figure beside">
              <b>{score.data.do_nothing.toFixed(3)}</b> finishing at once
            </span>
          </>
        )}
      </p>
      {review.undone > 0 && <p className="soft">With {review.undone} taken back: not a grade of the task&apos;s own.</p>}
      <p className="small">
        <a href={`/run?task=${review.task_id}&split=${review.split}&index=${review.index}&agent=belief_greedy&against=heuristic`}>
          See how agents played this episode
        </a>
      </p>
    </div>
  );
}
