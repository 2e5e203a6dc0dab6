import { useState, type Ref } from "react";
import type { Intervention, PatientReview, TaskReview } from "../api/client";
import { Mark } from "../ui/Mark";
import { KINDS, WORDS, type Board, type Medicine } from "./board";
import { FindingCard } from "./FindingCard";

interface Props {
  ref: Ref<HTMLOListElement>;
  board: Board;
  review: PatientReview | TaskReview;
  at: number;
  first: number | null;
  open: number | null;
  switching: number | null;
  onAt: (index: number) => void;
  onOpen: (slot: number | null) => void;
  onAct: (medicine: Medicine, kind: Intervention | null, drug?: string) => void;
  onCancel: () => void;
}

/** The medicines in the order to deal with them, each with its decision. */
export function MedicineList({ ref, board, review, at, first, open, switching, onAt, onOpen, onAct, onCancel }: Props) {
  return (
    <section className="card" aria-labelledby="medicines">
      <h2 id="medicines">Medicines</h2>
      <ol className="medicines" ref={ref}>
        {board.medicines.map((m, index) => (
          <li
            key={m.slot}
            tabIndex={-1}
            aria-current={index === at ? "true" : undefined}
            aria-label={`${index + 1}. ${m.name}`}
            className={`medicine ${m.status === "stopped" ? "gone" : ""} ${first === m.slot ? "first" : ""}`}
            onFocus={() => onAt(index)}
            onClick={() => onAt(index)}
          >
            <span className="number">{index + 1}</span>
            <div className="line">
                <Mark tone={m.tone} word={m.word} />
                <button
                  type="button"
                  className="name"
                  aria-expanded={open === m.slot}
                  onClick={() => onOpen(open === m.slot ? null : m.slot)}
                >
                  {m.name}
                </button>
                {m.was !== null && <span className="soft">in place of {m.was}</span>}
                <span className="soft">{m.dose || "dose not stated"}</span>
              </div>
              <Decision medicine={m} finished={board.finished} onAct={onAct} />
              <p className="why">
                {m.proposed !== null && m.status === "taken" && <b>{m.proposed}. </b>}
                {m.why}
                {m.more > 0 && <span className="soft"> +{m.more} more</span>}
              </p>
              {(m.chips.length > 0 || m.critical || m.takenFor.length > 0) && (
                <ul className="chips" aria-label={`${m.name}: use and burdens`}>
                  {m.takenFor.length > 0 && <li className="soft">for {m.takenFor.join(", ").toLowerCase()}</li>}
                  {m.critical && <li className="chip strong">Critical</li>}
                  {m.chips.map((chip) => (
                    <li key={chip} className="chip">
                      {chip}
                    </li>
                  ))}
                </ul>
              )}
            {switching === m.slot && review.kind === "patient" && (
              <SwitchTo medicine={m} review={review} onAct={onAct} onCancel={onCancel} />
            )}
            {open === m.slot && <Detail medicine={m} board={board} review={review} />}
          </li>
        ))}
      </ol>
    </section>
  );
}

function Decision({ medicine: m, finished, onAct }: { medicine: Medicine; finished: boolean; onAct: Props["onAct"] }) {
  return (
    <div className="decision" role="group" aria-label={`Decision for ${m.name}`}>
      <button
        type="button"
        aria-pressed={m.status === "taken"}
        disabled={m.status !== "taken" && m.undo === null}
        onClick={() => onAct(m, null)}
      >
        Keep
      </button>
      {KINDS.map(({ kind, word, key, status }) => {
        const chosen = m.status === status;
        const closed = finished || (!chosen && m.undo === null && !m.open.includes(kind));
        return (
          <button
            key={kind}
            type="button"
            aria-pressed={chosen}
            aria-keyshortcuts={key}
            title={kind === "substitute" && m.onlySwitch !== null ? `to ${m.onlySwitch.replaceAll("_", " ")}` : undefined}
            disabled={closed}
            onClick={() => (chosen ? undefined : onAct(m, kind))}
          >
            {word}
          </button>
        );
      })}
    </div>
  );
}

function SwitchTo({
  medicine: m,
  review,
  onAct,
  onCancel,
}: {
  medicine: Medicine;
  review: PatientReview;
  onAct: Props["onAct"];
  onCancel: () => void;
}) {
  const [other, setOther] = useState("");
  const options = review.medicines.find((row) => row.slot === m.slot)?.alternatives ?? [];
  return (
    <form
      className="switch"
      aria-label={`Switch ${m.name}`}
      onKeyDown={(event) => event.key === "Escape" && onCancel()}
      onSubmit={(event) => {
        event.preventDefault();
        if (other.trim() !== "") onAct(m, "substitute", other.trim());
      }}
    >
      <p>
        Switch {m.name} to <span className="soft">(Esc: leave it)</span>
      </p>
      <ul className="choices">
        {options.map((o, index) => (
          <li key={o.drug}>
            <button
              type="button"
              className="choice"
              autoFocus={index === 0}
              onClick={() => onAct(m, "substitute", o.drug)}
            >
              <b>
                {o.name}
                {o.route === "oral" ? "" : `, ${o.route}`}
              </b>
              {!o.suits && <span className="chip strong">may not suit: check</span>}
              <span className="soft">{o.why}</span>
            </button>
          </li>
        ))}
      </ul>
      <label className="other">
        Another drug{" "}
        <input
          autoFocus={options.length === 0}
          value={other}
          onChange={(event) => setOther(event.currentTarget.value)}
        />
      </label>{" "}
      <button type="submit" className="small">
        Switch
      </button>
    </form>
  );
}

function Detail({ medicine: m, board, review }: { medicine: Medicine; board: Board; review: Props["review"] }) {
  if (review.kind === "task") {
    const others = board.medicines.filter((o) => o.slot !== m.slot);
    return (
      <dl className="detail pairs-asked">
        {others.map((o) => (
          <div key={o.slot}>
            <dt>{o.name}</dt>
            <dd>{WORDS[board.cell(m, o).word]}</dd>
          </div>
        ))}
      </dl>
    );
  }
  const row = review.medicines.find((r) => r.slot === m.slot);
  const about = [...review.findings, ...review.brought].filter((f) => f.slots.includes(m.slot));
  return (
    <div className="detail">
      {row && (
        <dl>
          <Fact name="As written" text={row.written.join("; ")} />
          {row.decision?.unserved && row.decision.unserved.length > 0 && (
            <Fact name="No longer treated" text={row.decision.unserved.join(", ")} />
          )}
          {row.decision?.rationale && <Fact name="Reason noted" text={row.decision.rationale} />}
          <Fact name="Taper" text={row.taper} />
          <Fact name="Monitor" text={row.monitoring} />
          <Fact name="If it has to be restarted" text={row.restart} />
          {!row.fully_reviewed && <Fact name="Coverage" text="Not fully reviewed in the knowledge base." />}
        </dl>
      )}
      {about.length === 0 && <p>None found in knowledge base {review.knowledge.version}. That is not the same as safe.</p>}
      {about.map((f) => (
        <FindingCard key={`${f.id}-${f.drugs.join()}`} finding={f} />
      ))}
    </div>
  );
}

function Fact({ name, text }: { name: string; text: string | null }) {
  if (!text) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{text}</dd>
    </div>
  );
}
