/** How bad something is, as icon, word and colour: never colour alone. */

export type Tone = "urgent" | "change" | "monitor" | "keep" | "unknown";

const SHAPES: Record<Tone, React.ReactNode> = {
  urgent: (
    <>
      <path d="M8 1.6 15 14.2H1z" strokeLinejoin="round" />
      <path d="M8 6v3.6M8 11.4v1.2" stroke="var(--page)" strokeWidth="1.8" />
    </>
  ),
  change: <path d="M8 1 15 8 8 15 1 8z" />,
  monitor: <circle cx="8" cy="8" r="5.6" />,
  keep: <path d="M2.5 8.5 6.5 12.5 13.5 4.5" />,
  unknown: <path d="M3 8h10" />,
};

export function Shape({ tone, size = 14 }: { tone: Tone; size?: number }) {
  const solid = tone === "urgent" || tone === "change";
  return (
    <svg viewBox="0 0 16 16" width={size} height={size} aria-hidden="true" className={`shape ${tone}`}>
      <g fill={solid ? "currentColor" : "none"} stroke="currentColor" strokeWidth="2">
        {SHAPES[tone]}
      </g>
    </svg>
  );
}

export function Mark({ tone, word }: { tone: Tone; word: string }) {
  return (
    <span className={`mark ${tone}`}>
      <Shape tone={tone} />
      {word}
    </span>
  );
}
