import { Button, Loader, NativeSelect, Textarea, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useRef, useState, type DragEvent } from "react";
import { $api, api, passing, type OpenReview, type Review } from "../api/client";
import { Nav } from "../research/Nav";
import { go } from "../router";
import { Shell } from "../ui/Shell";
import { Told } from "../ui/Told";
import { EXAMPLES } from "./examples";
import { NO_FACTS, patientOf, type Facts } from "./patient";
import { Recent } from "./Recent";

type Task = NonNullable<OpenReview["task_id"]>;
type Split = NonNullable<OpenReview["split"]>;

export const TASKS: { value: Task; label: string }[] = [
  { value: "easy_screening", label: "Easy: 3 to 5 medicines, one severe pair" },
  { value: "budgeted_screening", label: "Budgeted: 6 to 10 medicines, 8 queries" },
  { value: "complex_tradeoff", label: "Complex: 10 to 15 medicines, one critical" },
];
export const SPLITS: Split[] = ["train", "validation", "test", "unseen_drugs"];

/** Open a patient: a file, a pasted list, an example, an episode, or a review that is there already. */
export function OpenPage() {
  const [text, setText] = useState("");
  const [facts, setFacts] = useState(NO_FACTS);
  const [over, setOver] = useState(false);
  const [failed, setFailed] = useState<Error | null>(null);
  const picker = useRef<HTMLInputElement>(null);
  const open = useMutation<Review, Error, OpenReview>({
    mutationFn: async (body) => (await api.POST("/reviews", { body })).data as Review,
    retry: (count, error) => passing(error) && count < 300,
    retryDelay: 1500,
    onSuccess: (review) => go(`/review/${review.id}`),
    onError: setFailed,
  });

  function read(content: string, beside?: Facts) {
    setFailed(null);
    try {
      open.mutate({ patient: patientOf(content, beside) });
    } catch (error) {
      setFailed(error as Error);
    }
  }

  async function file(chosen: File | undefined) {
    if (chosen !== undefined) read(await chosen.text());
  }

  function drop(event: DragEvent) {
    event.preventDefault();
    setOver(false);
    void file(event.dataTransfer.files[0]);
  }

  const set = (name: keyof Facts) => (event: { currentTarget: { value: string } }) => {
    const { value } = event.currentTarget;
    setFacts((held) => ({ ...held, [name]: value }));
  };

  return (
    <Shell>
      <div className="open">
        <h1>Open a patient</h1>
        {failed !== null && <Told error={failed} onClose={() => setFailed(null)} />}
        {open.isPending && (
          <p className="waiting" role="status">
            <Loader size="xs" /> {open.failureReason?.message ?? "Reading the medicines"}
          </p>
        )}
        <div className="open-grid">
          <section
            className={`card drop ${over ? "over" : ""}`}
            aria-labelledby="by-list"
            onDragOver={(event) => {
              event.preventDefault();
              setOver(true);
            }}
            onDragLeave={() => setOver(false)}
            onDrop={drop}
          >
            <h2 id="by-list">A file or a list</h2>
            <p className="soft">
              Drop a FHIR R4 bundle or a CSV here, or{" "}
              <button type="button" className="link" onClick={() => picker.current?.click()}>
                choose a file
              </button>
              . It is read on this server and goes nowhere else.
            </p>
            <input
              ref={picker}
              type="file"
              hidden
              accept=".json,.csv,.tsv,.txt,application/fhir+json,application/json,text/csv,text/plain"
              onChange={(event) => {
                void file(event.currentTarget.files?.[0]);
                event.currentTarget.value = "";
              }}
            />
            <form
              onSubmit={(event) => {
                event.preventDefault();
                read(text, facts);
              }}
            >
              <Textarea
                label="Or paste a list, one medicine a line"
                placeholder={"warfarin 4 mg daily\nnaproxen 250 mg BID\nmetoprolol 50 mg"}
                rows={7}
                value={text}
                onChange={(event) => setText(event.currentTarget.value)}
                styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
              />
              <div className="facts">
                <TextInput label="Age" inputMode="numeric" value={facts.age} onChange={set("age")} />
                <NativeSelect
                  label="Sex"
                  value={facts.sex}
                  onChange={set("sex")}
                  data={[
                    { value: "", label: "Not stated" },
                    { value: "female", label: "Female" },
                    { value: "male", label: "Male" },
                  ]}
                />
                <TextInput label="eGFR" inputMode="decimal" value={facts.egfr} onChange={set("egfr")} />
                <TextInput
                  className="wide"
                  label="Conditions"
                  placeholder="atrial fibrillation, osteoarthritis"
                  value={facts.conditions}
                  onChange={set("conditions")}
                />
              </div>
              <Button type="submit" mt="sm" loading={open.isPending}>
                Review this list
              </Button>
            </form>
          </section>
          <div className="open-side">
            <section className="card" aria-labelledby="by-example">
              <h2 id="by-example">An example</h2>
              <ul className="choices">
                {EXAMPLES.map((example) => (
                  <li key={example.title}>
                    <button type="button" className="choice" onClick={() => read(example.text)}>
                      <b>{example.title}</b>
                      <span className="soft">{example.about}</span>
                    </button>
                  </li>
                ))}
              </ul>
            </section>
            <Episode onOpen={(body) => open.mutate(body)} busy={open.isPending} />
          </div>
        </div>
        <Recent />
        <div className="row">
          For research: <Nav />
        </div>
      </div>
    </Shell>
  );
}

/** An episode of a task: a made-up person, with budgets. */
function Episode({ onOpen, busy }: { onOpen: (body: OpenReview) => void; busy: boolean }) {
  const [task, setTask] = useState<Task>("easy_screening");
  const [split, setSplit] = useState<Split>("test");
  const [index, setIndex] = useState("");
  const agents = $api.useQuery("get", "/agents");
  const number = /^\d+$/.test(index.trim()) ? Number(index) : null;
  const wrong = index.trim() !== "" && number === null;
  return (
    <section className="card" aria-labelledby="by-episode">
      <h2 id="by-episode">An episode to play</h2>
      <p className="soft">A made-up person and a budget. What a pair does is hidden until you ask.</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!wrong) onOpen({ task_id: task, split, index: number });
        }}
      >
        <NativeSelect
          label="Task"
          data={TASKS}
          value={task}
          onChange={(event) => setTask(event.currentTarget.value as Task)}
        />
        <div className="facts two">
          <NativeSelect
            label="Split"
            data={SPLITS.map((s) => ({ value: s, label: s.replace("_", " ") }))}
            value={split}
            onChange={(event) => setSplit(event.currentTarget.value as Split)}
          />
          <TextInput
            label="Index"
            placeholder="any"
            inputMode="numeric"
            value={index}
            error={wrong ? "A whole number" : null}
            onChange={(event) => setIndex(event.currentTarget.value)}
          />
        </div>
        <div className="row">
          <Button type="submit" loading={busy}>
            Play
          </Button>
          <Button
            variant="default"
            disabled={agents.data === undefined}
            onClick={() => go(`/run?task=${task}&split=${split}&index=${number ?? 0}&agent=heuristic`)}
          >
            Watch an agent play it
          </Button>
        </div>
      </form>
    </section>
  );
}
