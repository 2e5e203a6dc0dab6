import { Button, NativeSelect, NumberInput } from "@mantine/core";
import { useRef, useState } from "react";
import { $api, type Review, type PatientReview, type TaskReview } from "../api/client";
import { sayAction } from "../review/board";
import type { Play } from "../review/ReviewPage";
import { Grades } from "./Grades";
import { Legal } from "./Legal";
import { Nav } from "./Nav";

const SPEEDS = [
  { value: "0", label: "At once" },
  { value: "400", label: "Quick" },
  { value: "1500", label: "Slow" },
];

/** What an agent and its trainer see: observations, actions, rewards, and agents at work. */
export function Research({ review, play }: { review: PatientReview | TaskReview; play: Play }) {
  if (review.kind === "patient") {
    return (
      <section className="card research" aria-labelledby="research">
        <div className="row between">
          <h2 id="research">Research</h2>
          <Nav />
        </div>
        <p>Agents play episodes of a task. Open one to watch an agent; here is what the server sends of this review.</p>
        <Json title="Review" of={review} />
      </section>
    );
  }
  return (
    <section className="card research" aria-labelledby="research">
      <div className="row between">
        <h2 id="research">Research</h2>
        <Nav />
      </div>
      <Driver review={review} play={play} />
      <div className="research-grid">
        <div>
          <h3>Grade</h3>
          <Grades review={review} />
          <h3>Rewards</h3>
          <div className="scroll-x" tabIndex={0} role="region" aria-label="Rewards by step">
            <table className="plain">
              <thead>
                <tr>
                  <th scope="col">Step</th>
                  <th scope="col">Action</th>
                  <th scope="col">Reward</th>
                  <th scope="col">Parts</th>
                </tr>
              </thead>
              <tbody>
                {review.timeline
                  .filter((row) => row.action && !row.taken_back)
                  .map((row) => (
                    <tr key={row.sequence}>
                      <td>{row.sequence}</td>
                      <td>{row.action && sayAction(row.action)}</td>
                      <td>{signed(row.reward ?? 0)}</td>
                      <td>{parts(row.parts)}</td>
                    </tr>
                  ))}
              </tbody>
            </table>
          </div>
        </div>
        <div>
          <h3>Legal actions</h3>
          <Legal seen={review.observation} label="Legal actions" />
          <h3>What goes over the wire</h3>
          <Json title="Observation" of={review.observation} />
          <Json title="Last action" of={review.timeline.at(-1)?.action ?? null} />
        </div>
      </div>
    </section>
  );
}

export function signed(value: number): string {
  return `${value >= 0 ? "+" : "−"}${Math.abs(value).toFixed(4)}`;
}

export function parts(of: Record<string, number>): string {
  return Object.entries(of)
    .map(([name, value]) => `${name.replaceAll("_", " ")} ${signed(value)}`)
    .join(", ");
}

/** Let an agent go on from here, in this very review. */
function Driver({ review, play }: { review: TaskReview; play: Play }) {
  const agents = $api.useQuery("get", "/agents");
  const [agent, setAgent] = useState("heuristic");
  const [seed, setSeed] = useState(0);
  const [speed, setSpeed] = useState("400");
  const [running, setRunning] = useState(false);
  const stop = useRef(false);

  async function toEnd() {
    stop.current = false;
    setRunning(true);
    let after: Review | null = review;
    while (after !== null && after.kind === "task" && !after.finished && !stop.current) {
      after = await play({ agent, seed });
      if (speed !== "0") await new Promise((done) => setTimeout(done, Number(speed)));
    }
    setRunning(false);
  }

  return (
    <div className="row end">
      <NativeSelect
        size="xs"
        label="Agent"
        data={(agents.data ?? []).map((a) => ({ value: a.name, label: a.name.replaceAll("_", " ") }))}
        value={agent}
        onChange={(event) => setAgent(event.currentTarget.value)}
      />
      <NumberInput size="xs" label="Seed" w={90} min={0} max={4294967295} value={seed} onChange={(v) => setSeed(Number(v) || 0)} />
      <NativeSelect size="xs" label="Speed" data={SPEEDS} value={speed} onChange={(event) => setSpeed(event.currentTarget.value)} />
      <Button size="xs" variant="default" disabled={review.finished || running} onClick={() => void play({ agent, seed })}>
        Next step
      </Button>
      {running ? (
        <Button size="xs" onClick={() => (stop.current = true)}>
          Pause
        </Button>
      ) : (
        <Button size="xs" disabled={review.finished} onClick={() => void toEnd()}>
          To the end
        </Button>
      )}
      <Button
        size="xs"
        variant="default"
        component="a"
        href={`/run?task=${review.task_id}&split=${review.split}&index=${review.index}&agent=${agent}&seed=${seed}&against=random`}
      >
        Compare two agents
      </Button>
    </div>
  );
}

export function Json({ title, of }: { title: string; of: unknown }) {
  return (
    <details>
      <summary>{title}</summary>
      <pre tabIndex={0}>{JSON.stringify(of, null, 1)}</pre>
    </details>
  );
}
