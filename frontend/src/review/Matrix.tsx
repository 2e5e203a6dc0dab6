import { useMemo } from "react";
import type { PatientReview } from "../api/client";
import { Mark, Shape, type Tone } from "../ui/Mark";
import { WORDS, type Board, type Cell, type Medicine } from "./board";
import { FindingCard } from "./FindingCard";

interface Props {
  board: Board;
  at: Medicine | undefined;
  pair: [number, number] | null;
  /** What pressing a pair does; without it the matrix is only looked at. */
  onPair?: (a: number, b: number) => void;
  review?: PatientReview;
  label?: string;
}

const SIGNS: Record<Cell["word"], { letter: string; tone: Tone }> = {
  severe: { letter: "S", tone: "urgent" },
  moderate: { letter: "M", tone: "change" },
  minor: { letter: "L", tone: "monitor" },
  none: { letter: "·", tone: "keep" },
  unasked: { letter: "?", tone: "unknown" },
  closed: { letter: "", tone: "unknown" },
};

/** Medicines up to which squares are larger: there is room. */
const FEW = 10;

/** Every pair, below the diagonal. Pressing one tells what is known of it; in an episode it asks. */
export function Matrix({ board, at, pair, onPair, review, label = "Pairs of medicines" }: Props) {
  const { medicines } = board;
  const table = useMemo(
    () => medicines.slice(1).map((row, r) => medicines.slice(0, r + 1).map((col) => board.cell(row, col))),
    [board, medicines],
  );
  const asks = table.some((cells) => cells.some((cell) => cell.open));
  const chosen = pair?.map((slot) => medicines.find((m) => m.slot === slot)) ?? [];
  if (medicines.length < 2) return <p className="soft">One medicine makes no pair.</p>;
  return (
    <>
      <div className="scroll-x" tabIndex={0} role="region" aria-label={label}>
        <table className={`matrix ${medicines.length <= FEW ? "few" : ""}`}>
          <caption className="hidden">
            {review ? "What was found for each pair of medicines" : "What was asked of each pair of medicines"}
          </caption>
          <thead>
            <tr>
              <td />
              {medicines.slice(0, -1).map((m, c) => (
                <th key={m.slot} scope="col" className={m === at ? "here" : ""}>
                  <abbr title={m.name}>{c + 1}</abbr>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {table.map((cells, r) => {
              const row = medicines[r + 1] as Medicine;
              return (
                <tr key={row.slot}>
                  <th scope="row" className={row === at ? "here" : ""}>
                    <span>{r + 2}</span> {row.name}
                  </th>
                  {cells.map((cell, c) => {
                    const col = medicines[c] as Medicine;
                    return (
                      <Square
                        key={col.slot}
                        cell={cell}
                        row={row}
                        col={col}
                        here={row === at || col === at}
                        chosen={chosen.includes(row) && chosen.includes(col)}
                        onPair={onPair}
                      />
                    );
                  })}
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <ul className="legend" aria-label="Signs">
        {(review ? (["severe", "moderate", "minor", "none"] as const) : (["severe", "moderate", "minor", "none", "unasked"] as const)).map(
          (word) => (
            <li key={word}>
              <b>
                <Sign word={word} />
              </b>{" "}
              {WORDS[word].toLowerCase()}
            </li>
          ),
        )}
      </ul>
      {chosen[0] && chosen[1] ? (
        <Told a={chosen[0]} b={chosen[1]} cell={board.cell(chosen[0], chosen[1])} review={review} />
      ) : (
        onPair && <p className="soft">{review || !asks ? "Choose a pair to see what is known of it." : "Press a pair to ask about it. It costs a query."}</p>
      )}
      {review && <Groups review={review} />}
    </>
  );
}

function Sign({ word }: { word: Cell["word"] }) {
  const { letter, tone } = SIGNS[word];
  return (
    <>
      {/[A-Z]/.test(letter) && <Shape tone={tone} size={9} />}
      {letter}
    </>
  );
}

function Square(props: {
  cell: Cell;
  row: Medicine;
  col: Medicine;
  here: boolean;
  chosen: boolean;
  onPair?: (a: number, b: number) => void;
}) {
  const { cell, row, col } = props;
  const label = `${row.name} + ${col.name}: ${WORDS[cell.word].toLowerCase()}`;
  return (
    <td className={props.here ? "here" : ""}>
      <button
        type="button"
        className={`square ${cell.word}`}
        aria-label={cell.open && props.onPair ? `${label}: ask` : label}
        aria-pressed={props.chosen}
        disabled={props.onPair === undefined || cell.word === "closed" || (cell.word === "unasked" && !cell.open)}
        title={label}
        onClick={() => props.onPair?.(row.slot, col.slot)}
      >
        <Sign word={cell.word} />
      </button>
    </td>
  );
}

function Told({ a, b, cell, review }: { a: Medicine; b: Medicine; cell: Cell; review?: PatientReview }) {
  const both = review?.findings
    .concat(review.brought)
    .filter((f) => f.slots.length === 2 && f.slots.includes(a.slot) && f.slots.includes(b.slot));
  return (
    <div className="pair-told" role="status">
      {!both?.length && (
        <p className="finding-head">
          <Mark tone={SIGNS[cell.word].tone} word={WORDS[cell.word]} />
          <b>
            {a.name} + {b.name}
          </b>
        </p>
      )}
      {review && both?.length === 0 && <p>{sentenceOf(review.other_pairs)}</p>}
      {both?.map((f) => <FindingCard key={f.id} finding={f} />)}
    </div>
  );
}

function sentenceOf(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** Interactions of three medicines or more, which no square can show. */
function Groups({ review }: { review: PatientReview }) {
  const groups = review.findings
    .concat(review.brought)
    .filter((f) => (f.kind === "interaction" || f.kind === "duplicate") && f.slots.length !== 2);
  if (groups.length === 0) return null;
  return (
    <div className="groups">
      <h3>Three or more together, or one alone</h3>
      {groups.map((f) => (
        <FindingCard key={`${f.id}-${f.drugs.join()}`} finding={f} brief />
      ))}
    </div>
  );
}
