import type { TaskReview } from "../api/client";
import { KINDS } from "../review/board";
import { FINISH, FIRST_INTERVENTION, INTERVENTIONS, interventionNumber, openActions, queryNumber, SLOTS } from "./mask";

/** The mask of legal actions as a grid: queries by two slots, interventions by slot; an open action shows its number. */
export function Legal({ seen, label }: { seen: TaskReview["observation"]; label: string }) {
  const open = openActions(seen);
  const medicines = [...seen.current_medications].sort((a, b) => a.slot - b.slot);
  const queries = [...open].filter((n) => n < FIRST_INTERVENTION).length;
  const finish = open.has(FINISH);
  const left = SLOTS - medicines.length;
  const kinds = INTERVENTIONS.map((kind) => ({ kind, word: KINDS.find((k) => k.kind === kind)?.word ?? kind }));
  return (
    <>
      <p className="small">
        Open of 166 actions: {queries} queries, {open.size - queries - Number(finish)} interventions,{" "}
        {finish ? `finish (${FINISH})` : "no finish"}.{left > 0 && ` Slots ${medicines.length} to ${SLOTS - 1} are empty.`}
      </p>
      <div className="scroll-x" tabIndex={0} role="region" aria-label={label}>
        <table className="legal">
          <caption className="hidden">Numbers of the actions that are open: queries with another slot, interventions</caption>
          <thead>
            <tr>
              <th scope="col">Slot</th>
              {medicines.slice(0, -1).map((m) => (
                <th key={m.slot} scope="col">
                  <abbr title={`Ask with ${m.name}`}>{m.slot}</abbr>
                </th>
              ))}
              {kinds.map(({ kind, word }, index) => (
                <th key={kind} scope="col" className={index === 0 ? "apart" : ""}>
                  {word}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {medicines.map((m, row) => (
              <tr key={m.slot}>
                <th scope="row">
                  <span>{m.slot}</span> {m.name}
                </th>
                {medicines.slice(0, -1).map((other, col) =>
                  col < row ? (
                    <Bit key={other.slot} number={queryNumber(m.slot, other.slot)} open={open} title={`Ask ${m.name} + ${other.name}`} />
                  ) : (
                    <td key={other.slot} />
                  ),
                )}
                {kinds.map(({ kind, word }, index) => (
                  <Bit
                    key={kind}
                    apart={index === 0}
                    number={interventionNumber(m.slot, kind)}
                    open={open}
                    title={`${word} ${m.name}`}
                  />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function Bit({ number, open, title, apart = false }: { number: number; open: Set<number>; title: string; apart?: boolean }) {
  const legal = open.has(number);
  return (
    <td className={apart ? "apart" : ""}>
      <span className={`bit ${legal ? "legal-now" : ""}`} title={`${number}: ${title}, ${legal ? "open" : "closed"}`}>
        {legal ? number : <span aria-label="closed" role="img">×</span>}
      </span>
    </td>
  );
}
