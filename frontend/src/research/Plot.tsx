import { useId } from "react";
import { EDGES, HEIGHT, label, place, radii, ticks, WIDTH, type Point } from "./plot";

export interface Series {
  name: string;
  look: "one" | "two" | "rest";
  points: Point[];
  /** How many each point stands for: it is drawn as a circle of that area, and no line. */
  counts?: number[];
}

interface Props {
  title: string;
  x: string;
  y: string;
  most: Point;
  series: Series[];
  /** What it comes to, in a sentence. */
  said: string;
  columns: string[];
  rows: string[][];
}

const FEW = 25;

/** Lines or points over two axes from 0. Lines differ in colour and in dashes, and the figures stand below as a table. */
export function Plot({ title, x, y, most, series, said, columns, rows }: Props) {
  const id = useId();
  const { left, right, top, bottom } = EDGES;
  const across = ticks(most[0]);
  return (
    <section className="card plot" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      <ul className="legend" aria-hidden="true">
        {series.map((s) => (
          <li key={s.name}>
            <svg viewBox="0 0 26 10" width="26" height="10">
              {s.counts ? <circle cx="13" cy="5" r="4" className={`dot ${s.look}`} /> : <path d="M0 5h26" className={`series ${s.look}`} />}
            </svg>{" "}
            {s.name}
          </li>
        ))}
      </ul>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${title}. ${said}`}>
        {ticks(most[1]).map((value) => {
          const [, at] = place([0, value], most);
          return (
            <g key={value}>
              <path d={`M${left} ${at}H${WIDTH - right}`} className="grid" />
              <text x={left - 6} y={at + 4} textAnchor="end">
                {label(value)}
              </text>
            </g>
          );
        })}
        {across.map((value) => (
          <text key={value} x={place([value, 0], most)[0]} y={HEIGHT - bottom + 16} textAnchor="middle">
            {label(value)}
          </text>
        ))}
        <path d={`M${left} ${top}V${HEIGHT - bottom}H${WIDTH - right}`} className="axis" />
        <text x={(left + WIDTH - right) / 2} y={HEIGHT - 6} textAnchor="middle">
          {x}
        </text>
        <text transform={`translate(11 ${(top + HEIGHT - bottom) / 2}) rotate(-90)`} textAnchor="middle">
          {y}
        </text>
        {series.map((s) => {
          const at = s.points.map((point) => place(point, most));
          const sizes = s.counts ? radii(s.counts) : at.map(() => 2.6);
          return (
            <g key={s.name}>
              {!s.counts && <polyline points={at.map((p) => p.join(",")).join(" ")} className={`series ${s.look}`} />}
              {s.look !== "rest" &&
                (s.counts !== undefined || at.length <= FEW) &&
                at.map(([cx, cy], n) => <circle key={n} cx={cx} cy={cy} r={sizes[n]} className={`dot ${s.look}`} />)}
            </g>
          );
        })}
      </svg>
      <p>{said}</p>
      <details>
        <summary>Figures</summary>
        <div className="scroll-x" tabIndex={0} role="region" aria-label={`Figures: ${title}`}>
          <table className="plain figures-table">
            <thead>
              <tr>
                {columns.map((name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row, n) => (
                <tr key={n}>
                  {row.map((cell, column) => (
                    <td key={columns[column]}>{cell}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </section>
  );
}
