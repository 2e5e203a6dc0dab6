import { Button, Loader, Menu, SegmentedControl, Tabs } from "@mantine/core";
import { useMemo, useRef, useState } from "react";
import { Failure, passing, type Action, type Intervention, type PatientReview, type Review, type TaskReview } from "../api/client";
import { Research } from "../research/Research";
import { useParam } from "../router";
import { Shell } from "../ui/Shell";
import { Told } from "../ui/Told";
import { patientBoard, sayAction, taskBoard, type Board, type Medicine } from "./board";
import { ClosedReview } from "./ClosedReview";
import { Criteria } from "./Criteria";
import { FinishDialog, KeysDialog } from "./dialogs";
import { Loads } from "./Loads";
import { Matrix } from "./Matrix";
import { MedicineList } from "./MedicineList";
import { Organs } from "./Organs";
import { Person } from "./Person";
import { printClinician } from "./print";
import { Budgets, Risk } from "./Risk";
import { Serious } from "./Serious";
import { SuggestionBox } from "./SuggestionBox";
import { Timeline } from "./Timeline";
import { useKeys } from "./useKeys";
import { useReview, type Step } from "./useReview";

const MISSING = "There is no such review on this server: it was deleted, or the address is not whole.";

function missing(error: Error): boolean {
  return error instanceof Failure && (error.status === 404 || error.status === 422);
}

/** A stored review. Everything it shows follows from its id, so it can be left and come back to. */
export function ReviewPage({ id }: { id: string }) {
  const held = useReview(id);
  const { query } = held;
  if (query.data === undefined) {
    return (
      <Shell>
        <div className="open">
          <h1>Review</h1>
          {query.error ? (
            <>
              <Told error={missing(query.error) ? new Error(MISSING) : query.error} />
              <p>
                <a href="/">Open a patient, or go on with another review</a>
              </p>
            </>
          ) : (
            <p className="waiting" role="status">
              <Loader size="xs" /> {query.failureReason?.message ?? "Reading the review"}
            </p>
          )}
        </div>
      </Shell>
    );
  }
  if (query.data.kind === "closed") return <ClosedReview review={query.data} />;
  return <OpenReview review={query.data} held={held} />;
}

/** Play a step; null where it failed, which the page tells. */
export type Play = (step: Step) => Promise<Review | null>;
type Held = ReturnType<typeof useReview>;

function OpenReview({ review, held }: { review: PatientReview | TaskReview; held: Held }) {
  const board = useMemo(() => boardOf(review), [review]);
  const [at, setAt] = useState(0);
  const [first, setFirst] = useState<number | null>(null);
  const [open, setOpen] = useState<number | null>(null);
  const [switching, setSwitching] = useState<number | null>(null);
  const [pair, setPair] = useState<[number, number] | null>(null);
  const [dialog, setDialog] = useState<"finish" | "keys" | null>(null);
  const [failed, setFailed] = useState<Error | null>(null);
  const [note, setNote] = useState("");
  const [override, setOverride] = useState<string | null>(null);
  const [mode, setMode] = useParam("mode");
  const list = useRef<HTMLOListElement>(null);
  const { mutation } = held;
  const current = board.medicines[at];

  async function play(step: Step): Promise<Review | null> {
    setFailed(null);
    try {
      const after = await held.play(step);
      setNote(said(review, after));
      return after;
    } catch (error) {
      setFailed(error as Error);
      return null;
    }
  }

  function act(action: Action) {
    const rationale = action.rationale ?? override ?? undefined;
    setOverride(null);
    void play({ act: { ...action, rationale } });
  }

  async function intervene(medicine: Medicine, kind: Intervention | null, drug?: string) {
    if (kind === null) {
      if (medicine.undo !== null) await play({ undo: medicine.undo });
      return;
    }
    if (kind === "substitute" && drug === undefined && medicine.onlySwitch === null && review.kind === "patient") {
      setOpen(null);
      setSwitching(medicine.slot);
      return;
    }
    setSwitching(null);
    if (medicine.status !== "taken") {
      if (medicine.undo === null || review.kind !== "patient") return;
      if ((await play({ undo: medicine.undo })) === null) return;
    } else if (!medicine.open.includes(kind)) {
      setNote(`${medicine.name}: this is not open now.`);
      return;
    }
    const target = medicine.was === null ? medicine.id : (originalId(review, medicine) ?? medicine.id);
    act({
      action_type: "propose_intervention",
      target_drug_id: target,
      intervention_type: kind,
      ...(kind === "substitute" && drug !== undefined ? { proposed_new_drug_id: drug } : {}),
    });
  }

  function ask(a: number, b: number) {
    const [one, other] = [bySlot(board, a), bySlot(board, b)];
    if (one === undefined || other === undefined) return;
    setPair([a, b]);
    setFirst(null);
    if (board.cell(one, other).open) {
      act({ action_type: "query_ddi", drug_id_1: one.id, drug_id_2: other.id });
    }
  }

  function move(by: number) {
    const next = Math.min(Math.max(at + by, 0), board.medicines.length - 1);
    setAt(next);
    (list.current?.children[next] as HTMLElement | undefined)?.focus();
  }

  function query() {
    if (current === undefined) return;
    if (first === null || first === current.slot) {
      setFirst(first === null ? current.slot : null);
      setNote(first === null ? `${current.name} and which other? Move to it and press q again.` : "");
    } else ask(first, current.slot);
  }

  useKeys(dialog === null, {
    j: () => move(1),
    ArrowDown: () => move(1),
    k: () => move(-1),
    ArrowUp: () => move(-1),
    s: () => current && void intervene(current, "stop"),
    r: () => current && void intervene(current, "dose_reduce"),
    w: () => current && void intervene(current, "substitute"),
    m: () => current && void intervene(current, "add_monitoring"),
    e: () => current && setOpen(open === current.slot ? null : current.slot),
    q: query,
    u: () => review.can_undo.length > 0 && void play({ undo: null }),
    f: () => !board.finished && setDialog("finish"),
    "?": () => setDialog("keys"),
    Escape: () => {
      setFirst(null);
      setSwitching(null);
      setNote("");
    },
  });

  const undoable = review.can_undo.length > 0;
  const waiting = mutation.isPending && passing(mutation.failureReason) ? mutation.failureReason : null;
  return (
    <Shell
      bar={
        <>
          <SegmentedControl
            size="xs"
            aria-label="Mode"
            data={[
              { value: "review", label: "Review" },
              { value: "research", label: "Research" },
            ]}
            value={mode === "research" ? "research" : "review"}
            onChange={(value) => setMode(value === "research" ? value : null)}
          />
          <span className="grow" />
          <Button
            size="xs"
            variant="default"
            disabled={!undoable}
            onClick={() => void play({ undo: null })}
            aria-keyshortcuts="u"
          >
            Undo
          </Button>
          <Menu position="bottom-end">
            <Menu.Target>
              <Button size="xs" variant="default">
                Print
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => void printClinician(review.id).catch(setFailed)}>Clinician page</Menu.Item>
              {review.kind === "patient" && (
                <Menu.Item component="a" href={`/review/${review.id}/patient`} target="_blank">
                  Patient page
                </Menu.Item>
              )}
            </Menu.Dropdown>
          </Menu>
          <Button
            size="xs"
            disabled={board.finished}
            onClick={() => setDialog("finish")}
            aria-keyshortcuts="f"
          >
            {board.finished ? "Finished" : "Finish"}
          </Button>
          <Button size="xs" variant="default" className="keys-button" aria-label="Keys" onClick={() => setDialog("keys")}>
            ?
          </Button>
        </>
      }
    >
      <Person review={review} />
      {waiting !== null && (
        <p className="waiting banner" role="status">
          <Loader size="xs" /> {waiting.message} Nothing is lost: it is sent again until it is stored.
        </p>
      )}
      {failed !== null && <Told error={failed} onClose={() => setFailed(null)} />}
      <p className="note" role="status" aria-live="polite">
        {note}
      </p>
      <div className="work">
        <div className="left">
          {review.kind === "patient" && <Serious review={review} />}
          <MedicineList
            ref={list}
            board={board}
            review={review}
            at={at}
            first={first}
            open={open}
            switching={switching}
            onAt={setAt}
            onOpen={setOpen}
            onAct={(medicine, kind, drug) => void intervene(medicine, kind, drug)}
            onCancel={() => setSwitching(null)}
          />
        </div>
        <div className="right">
          {review.kind === "patient" ? <Risk review={review} /> : <Budgets review={review} />}
          <SuggestionBox
            key={review.sequence}
            review={review}
            onAccept={(action) => (action.action_type === "finish_review" ? setDialog("finish") : act(action))}
            onOverride={setOverride}
            override={override}
          />
          {review.kind === "patient" ? (
            <PatientTabs review={review} board={board} at={current} pair={pair} onPair={(a, b) => setPair([a, b])} />
          ) : (
            <section className="card" aria-labelledby="pairs">
              <h2 id="pairs">Pairs</h2>
              <Matrix board={board} at={current} pair={pair} onPair={ask} />
            </section>
          )}
          <Timeline review={review} onUndo={(sequence) => void play({ undo: sequence })} />
        </div>
      </div>
      {mode === "research" && <Research review={review} play={play} />}
      {dialog === "finish" && (
        <FinishDialog
          review={review}
          onClose={() => setDialog(null)}
          onFinish={() => {
            setDialog(null);
            act({ action_type: "finish_review" });
          }}
        />
      )}
      {dialog === "keys" && <KeysDialog onClose={() => setDialog(null)} />}
    </Shell>
  );
}

function PatientTabs(props: {
  review: PatientReview;
  board: Board;
  at: Medicine | undefined;
  pair: [number, number] | null;
  onPair: (a: number, b: number) => void;
}) {
  const [tab, setTab] = useParam("tab");
  const { review, board } = props;
  return (
    <section className="card" aria-label="Findings">
      <Tabs value={tab ?? "pairs"} onChange={(value) => setTab(value === "pairs" ? null : value)} keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="pairs">Pairs</Tabs.Tab>
          <Tabs.Tab value="loads">Burdens</Tabs.Tab>
          <Tabs.Tab value="organs">Organs, genes</Tabs.Tab>
          <Tabs.Tab value="criteria">Criteria</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="pairs">
          <Matrix board={board} at={props.at} pair={props.pair} onPair={props.onPair} review={review} />
        </Tabs.Panel>
        <Tabs.Panel value="loads">
          <Loads review={review} />
        </Tabs.Panel>
        <Tabs.Panel value="organs">
          <Organs review={review} />
        </Tabs.Panel>
        <Tabs.Panel value="criteria">
          <Criteria review={review} />
        </Tabs.Panel>
      </Tabs>
    </section>
  );
}

function boardOf(review: PatientReview | TaskReview): Board {
  return review.kind === "patient" ? patientBoard(review) : taskBoard(review);
}

function bySlot(board: Board, slot: number): Medicine | undefined {
  return board.medicines.find((m) => m.slot === slot);
}

/** What a switched medicine is called once the switch is taken back. */
function originalId(review: PatientReview | TaskReview, medicine: Medicine): string | null {
  const row = review.timeline.find((r) => r.sequence === medicine.undo);
  return row?.action?.target_drug_id ?? null;
}

/** What an action brought, for the line that is read out. */
function said(before: Review, after: Review): string {
  const row = after.timeline.at(-1);
  if (row === undefined) return "";
  if (row.error) return `${row.error}. It cost a step.`;
  const done = row.action ? sayAction(row.action) : `Took back step ${row.undoes}`;
  if (before.kind === "patient" && after.kind === "patient") {
    return `${done}. Risk ${before.risk.after.total} to ${after.risk.after.total} points.`;
  }
  return row.found ? `${done}: ${row.found === "none" ? "none found" : row.found}.` : `${done}.`;
}
