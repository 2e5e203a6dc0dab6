import type { Finding } from "../api/client";
import { Mark, type Tone } from "../ui/Mark";

export const TONES: Record<Finding["severity"], Tone> = {
  contraindicated: "urgent",
  avoid: "urgent",
  adjust: "change",
  monitor: "monitor",
  aware: "keep",
};

export const SEVERITIES: Record<Finding["severity"], string> = {
  contraindicated: "Contraindicated",
  avoid: "Avoid",
  adjust: "Adjust",
  monitor: "Monitor",
  aware: "Be aware",
};

/** One finding: what, what to do, why, and on what grounds. `brief`: what alone, the rest when it is opened. */
export function FindingCard({ finding: f, brief = false }: { finding: Finding; brief?: boolean }) {
  if (brief) {
    return (
      <details className="finding">
        <summary>
          <Head finding={f} />
        </summary>
        <p>{f.management}</p>
        <Grounds finding={f} />
      </details>
    );
  }
  return (
    <article className="finding">
      <p>
        <Head finding={f} />
      </p>
      <p>{f.management}</p>
      <details>
        <summary>Why, and on what grounds</summary>
        <Grounds finding={f} />
      </details>
    </article>
  );
}

function Head({ finding: f }: { finding: Finding }) {
  return (
    <span className="finding-head">
      <Mark tone={TONES[f.severity_now]} word={SEVERITIES[f.severity_now]} />
      {f.severity_now !== f.severity && <span className="soft">was {SEVERITIES[f.severity].toLowerCase()}</span>}
      <b>{f.message}</b>
    </span>
  );
}

function Grounds({ finding: f }: { finding: Finding }) {
  return (
    <>
      <p>{f.mechanism}</p>
      {f.would_change.length > 0 && <p>It would change with: {f.would_change.join("; ")}.</p>}
      <p className="soft">
        Evidence: {f.evidence}. {f.second_reader ? "Checked by a second reader." : "Not yet checked by a second reader."}
      </p>
      <ul className="sources">
        {f.sources.map((source) => (
          <li key={source}>{source}</li>
        ))}
      </ul>
    </>
  );
}
