import { Button, Loader, NativeSelect, NumberInput, Slider, TextInput } from "@mantine/core";
import { useEffect, useState } from "react";
import { $api } from "../api/client";
import { SPLITS, TASKS } from "../open/OpenPage";
import { DONE, sayAction, taskBoard } from "../review/board";
import { Matrix } from "../review/Matrix";
import { go, useLocation } from "../router";
import { Mark } from "../ui/Mark";
import { Shell } from "../ui/Shell";
import { Told } from "../ui/Told";
import { Legal } from "./Legal";
import { Nav } from "./Nav";
import { Json, parts, signed } from "./Research";
import { useRun, type Episode } from "./runs";

interface Asked extends Episode {
  agent: string;
  against: string;
}

/** What an address asks for; what it leaves out is filled in. */
function asked(params: URLSearchParams): Asked {
  const whole = (name: string) => Math.max(0, Math.floor(Number(params.get(name))) || 0);
  return {
    task: TASKS.find((t) => t.value === params.get("task"))?.value ?? "easy_screening",
    split: SPLITS.find((s) => s === params.get("split")) ?? "test",
    index: whole("index"),
    agent: params.get("agent") ?? "heuristic",
    against: params.get("against") ?? "",
    seed: whole("seed"),
  };
}

function address(run: Asked, step?: number): string {
  const params = new URLSearchParams({ ...run, index: String(run.index), seed: String(run.seed) });
  if (run.against === "") params.delete("against");
  if (step !== undefined) params.set("step", String(step));
  return `/run?${params}`;
}

/** An episode as agents played it, step by step; two of them side by side. The address is all it takes to see it again. */
export function RunPage() {
  const here = useLocation();
  const run = asked(here.searchParams);
  const [one, other] = [useRun(run, run.agent), useRun(run, run.against)];
  const most = Math.max(one.data?.steps.length ?? 0, other.data?.steps.length ?? 0);
  const [step, setStep] = useState(Number(here.searchParams.get("step") ?? 0) || 0);
  const [pace, setPace] = useState<number | null>(null);
  const at = Math.min(step, most);

  useEffect(() => {
    if (pace === null || at >= most) return undefined;
    const timer = setTimeout(() => setStep(at + 1), pace);
    return () => clearTimeout(timer);
  }, [pace, at, most]);

  useEffect(() => {
    if (most > 0) go(address(run, at), true);
  }, [at, most]);

  return (
    <Shell bar={<Nav at="/run" />}>
      <div className="open">
        <h1>Watch agents play</h1>
        <Choose run={run} onRun={(next) => { setStep(0); setPace(null); go(address(next)); }} />
        {most > 0 && (
          <div className="card player">
            <div className="row">
              <Button size="xs" variant="default" disabled={at === 0} onClick={() => setStep(at - 1)}>
                Back
              </Button>
              <Button size="xs" variant="default" disabled={at >= most} onClick={() => setStep(at + 1)}>
                Next step
              </Button>
              <Button size="xs" disabled={at >= most && pace === null} onClick={() => setPace(pace === null ? 900 : null)}>
                {pace !== null && at < most ? "Pause" : "Play"}
              </Button>
              <NativeSelect
                size="xs"
                aria-label="Speed"
                value={String(pace ?? 900)}
                data={[
                  { value: "1800", label: "Slow" },
                  { value: "900", label: "Normal" },
                  { value: "250", label: "Quick" },
                ]}
                onChange={(event) => setPace(Number(event.currentTarget.value))}
              />
              <Button size="xs" variant="default" disabled={at >= most} onClick={() => setStep(most)}>
                To the end
              </Button>
              <span className="soft">
                Step {at} of {most}
              </span>
            </div>
            <Slider thumbLabel="Step" min={0} max={most} value={at} onChange={setStep} label={null} size="sm" />
          </div>
        )}
        <div className={run.against === "" ? "" : "runs"}>
          <OneRun name={run.agent} query={one} at={at} />
          {run.against !== "" && <OneRun name={run.against} query={other} at={at} />}
        </div>
      </div>
    </Shell>
  );
}

function Choose({ run, onRun }: { run: Asked; onRun: (run: Asked) => void }) {
  const agents = $api.useQuery("get", "/agents");
  const names = (agents.data ?? []).map((a) => ({ value: a.name, label: a.name.replaceAll("_", " ") + (a.learns ? " (learns first)" : "") }));
  const [index, setIndex] = useState(String(run.index));
  const set = (part: Partial<Asked>) => onRun({ ...run, ...part });
  return (
    <form
      className="card row end"
      onSubmit={(event) => {
        event.preventDefault();
        set({ index: Math.max(0, Number(index) || 0) });
      }}
    >
      <NativeSelect size="xs" label="Task" data={TASKS.map((t) => ({ ...t, label: t.label.split(":")[0] ?? "" }))} value={run.task} onChange={(e) => set({ task: e.currentTarget.value as Asked["task"] })} />
      <NativeSelect size="xs" label="Split" data={SPLITS} value={run.split} onChange={(e) => set({ split: e.currentTarget.value as Asked["split"] })} />
      <TextInput size="xs" label="Index" w={80} inputMode="numeric" value={index} onChange={(e) => setIndex(e.currentTarget.value)} onBlur={() => Number(index) !== run.index && set({ index: Math.max(0, Number(index) || 0) })} />
      <NativeSelect size="xs" label="Agent" data={names} value={run.agent} onChange={(e) => set({ agent: e.currentTarget.value })} />
      <NativeSelect size="xs" label="Beside it" data={[{ value: "", label: "nobody" }, ...names]} value={run.against} onChange={(e) => set({ against: e.currentTarget.value })} />
      <NumberInput size="xs" label="Seed" w={80} min={0} value={run.seed} onChange={(v) => set({ seed: Number(v) || 0 })} />
    </form>
  );
}

function OneRun({ name, query, at }: { name: string; query: ReturnType<typeof useRun>; at: number }) {
  const title = name.replaceAll("_", " ");
  const run = query.data;
  if (run === undefined) {
    return (
      <section className="card" aria-label={title}>
        <h2>{title}</h2>
        {query.error ? (
          <Told error={query.error} />
        ) : (
          <p className="waiting" role="status">
            <Loader size="xs" /> {query.failureReason?.message ?? "Playing the episode"}
          </p>
        )}
      </section>
    );
  }
  const done = run.steps.slice(0, at);
  const ended = at >= run.steps.length;
  const seen = done.at(-1)?.observation ?? run.start;
  const board = taskBoard({ observation: seen, timeline: [], can_undo: [], finished: ended });
  const total = done.reduce((sum, s) => sum + s.reward, 0);
  return (
    <section className="card" aria-label={title}>
      <h2>{title}</h2>
      <p className="figures">
        <span className="figure">
          <b>{total.toFixed(3).replace("-", "−")}</b> return so far
        </span>
        {ended && (
          <>
            <span className="figure">
              <b data-testid="run-grade">{run.score.grade.toFixed(3)}</b> grade
            </span>
            <span className="figure">
              <b>{run.score.oracle.toFixed(3)}</b> oracle
            </span>
          </>
        )}
      </p>
      <ul className="run-medicines">
        {board.medicines.map((m, index) => (
          <li key={m.slot} className={m.status === "stopped" ? "gone" : ""}>
            <span className="number">{index + 1}</span> <Mark tone={m.tone} word={m.word} /> <b>{m.name}</b>{" "}
            {m.status !== "taken" && <span className="chip strong">{DONE[m.status].toLowerCase()}</span>}
          </li>
        ))}
      </ul>
      <Matrix board={board} at={undefined} pair={null} label={`Pairs, ${title}`} />
      <ol className="timeline">
        {done.map((s) => (
          <li key={s.sequence}>
            <span className="number">{s.sequence}</span>
            <span className="did">
              {sayAction(s.action)}
              {s.found && <span className="soft">: {s.found === "none" ? "none found" : s.found}</span>}
              {s.error && <span className="bad"> {s.error}</span>}
              <span className="soft small reason">
                {signed(s.reward)} ({parts(s.parts)}){s.action.rationale ? `. ${s.action.rationale}` : ""}
              </span>
            </span>
          </li>
        ))}
      </ol>
      <details>
        <summary>Legal actions</summary>
        <Legal seen={seen} label={`Legal actions, ${title}`} />
      </details>
      <Json title="Observation" of={seen} />
      <Json title="Action" of={done.at(-1)?.action ?? null} />
    </section>
  );
}
