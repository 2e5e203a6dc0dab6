/** A review as the page shows it: a patient's and an episode's alike. Nothing is in it that the server did not send. */
import type { Action, Intervention, PatientReview, TaskReview, Word } from "../api/client";
import type { Tone } from "../ui/Mark";

export interface Medicine {
  id: string;
  slot: number;
  name: string;
  was: string | null;
  dose: string;
  takenFor: string[];
  status: "taken" | "stopped" | "dose_reduced" | "substituted" | "monitored";
  tone: Tone;
  word: string;
  why: string;
  more: number;
  proposed: string | null;
  chips: string[];
  critical: boolean;
  open: Intervention[];
  /** What it can be switched to; null: any known drug may be named. */
  onlySwitch: string | null;
  /** The action that decided about it, if it can be taken back now. */
  undo: number | null;
}

export interface Cell {
  word: Word | "unasked" | "closed";
  /** Whether it can be asked about now. */
  open: boolean;
}

export interface Board {
  medicines: Medicine[];
  cell: (a: Medicine, b: Medicine) => Cell;
  finished: boolean;
}

export const DONE: Record<Medicine["status"], string> = {
  taken: "Kept",
  stopped: "Stopped",
  dose_reduced: "Reduced",
  substituted: "Switched",
  monitored: "Monitored",
};

export const KINDS: { kind: Intervention; word: string; key: string; status: Medicine["status"] }[] = [
  { kind: "stop", word: "Stop", key: "s", status: "stopped" },
  { kind: "dose_reduce", word: "Reduce", key: "r", status: "dose_reduced" },
  { kind: "substitute", word: "Switch", key: "w", status: "substituted" },
  { kind: "add_monitoring", word: "Monitor", key: "m", status: "monitored" },
];

const PRIORITY: Record<PatientReview["medicines"][number]["priority"], { tone: Tone; word: string }> = {
  urgent: { tone: "urgent", word: "Act first" },
  change: { tone: "change", word: "Change" },
  monitor: { tone: "monitor", word: "Monitor" },
  keep: { tone: "keep", word: "Keep" },
};

/** How urgent a medicine is; once it was decided about, what was decided, unless something serious is left or came. */
function patientMark(m: PatientReview["medicines"][number]): { tone: Tone; word: string } {
  const serious = m.worst === "contraindicated" || m.worst === "avoid";
  if (m.status === "taken" || (serious && m.status !== "substituted")) return PRIORITY[m.priority];
  return serious ? PRIORITY.urgent : { tone: "keep", word: DONE[m.status] };
}

export const BURDENS: Record<string, string> = {
  "cns-active-three": "CNS",
  "anticholinergic-total": "Anticholinergic",
  "qt-three": "QT",
  "bleeding-three": "Bleeding",
  "fall-risk-three": "Falls",
};

export function burdenName(id: string): string {
  return BURDENS[id] ?? plain(id);
}

/** An id in words. */
export function plain(id: string): string {
  return id.replaceAll("_", " ").replaceAll("-", " ");
}

export function named(id: string): string {
  const words = plain(id.replace(/#.*/, ""));
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const pairKey = (a: number, b: number) => (a < b ? `${a}-${b}` : `${b}-${a}`);

export function patientBoard(review: PatientReview): Board {
  const words = new Map(review.pairs.map((p) => [pairKey(...p.slots), p.word] as const).reverse()); // the worst is first
  const routes = new Map(review.plan.map((s) => [s.slot, s.replacement_route] as const));
  const undoable = new Set(review.can_undo);
  const open = review.legal_actions.propose_intervention ?? {};
  return {
    finished: review.finished,
    medicines: review.medicines.map((m) => {
      const reasons = m.why.split("; ");
      const more = /^and (\d+) more$/.exec(reasons.at(-1) ?? "");
      return {
        id: m.drug_id,
        slot: m.slot,
        name: m.name,
        was: m.was ? named(m.was) : null,
        dose: m.dose,
        takenFor: m.taken_for,
        status: m.status,
        ...patientMark(m),
        why: reasons[0] ?? m.why,
        more: more ? reasons.length - 2 + Number(more[1]) : reasons.length - 1,
        proposed: m.proposed === null ? null : sayPlan(m.proposed, m.proposed_drug, routes.get(m.slot)),
        chips: Object.entries(m.burdens).map(([id, n]) => (n > 1 ? `${burdenName(id)} ${n}` : burdenName(id))),
        critical: m.critical,
        open: open[m.drug_id] ?? [],
        onlySwitch: null,
        undo: m.decision !== null && undoable.has(m.decision.sequence) && !review.finished ? m.decision.sequence : null,
      };
    }),
    cell: (a, b) => {
      if (a.status === "stopped" || b.status === "stopped") return { word: "closed", open: false };
      return { word: words.get(pairKey(a.slot, b.slot)) ?? "none", open: false };
    },
  };
}

const RANK: Record<Word, number> = { none: 0, minor: 1, moderate: 2, severe: 3 };

export function taskBoard(review: Pick<TaskReview, "observation" | "timeline" | "can_undo" | "finished">): Board {
  const seen = review.observation;
  const now = seen.current_medications;
  const slotOf = new Map(now.map((m) => [m.drug_id, m.slot]));
  const asked = new Map<string, Word>();
  for (const q of seen.interaction_queries) {
    const [a, b] = [slotOf.get(q.drug_id_1), slotOf.get(q.drug_id_2)];
    if (a !== undefined && b !== undefined) asked.set(pairKey(a, b), q.severity);
  }
  const canQuery = new Set<string>();
  for (const [one, others] of Object.entries(seen.legal_actions.query_ddi ?? {})) {
    for (const other of others) canQuery.add(pairKey(slotOf.get(one) ?? -1, slotOf.get(other) ?? -1));
  }
  const undoable = new Set(review.can_undo);
  const decided = new Map<string, number>();
  for (const row of review.timeline) {
    const action = row.action;
    if (!action || row.taken_back || row.error || action.action_type !== "propose_intervention") continue;
    const made = seen.interventions.find((i) => i.target_drug_id === action.target_drug_id);
    decided.set(made?.new_drug_id ?? action.target_drug_id ?? "", row.sequence);
  }
  return {
    finished: review.finished,
    medicines: now.map((m) => {
      const partners = now.filter((o) => o.slot !== m.slot);
      const known = partners.flatMap((o) => {
        const word = asked.get(pairKey(m.slot, o.slot));
        return word === undefined ? [] : [{ word, name: o.name }];
      });
      const worst = known.reduce<(typeof known)[number] | null>(
        (w, k) => (w === null || RANK[k.word] > RANK[w.word] ? k : w),
        null,
      );
      const sequence = decided.get(m.drug_id) ?? null;
      return {
        id: m.drug_id,
        slot: m.slot,
        name: m.name,
        was: m.status === "substituted" ? named(wasOf(seen, m.drug_id)) : null,
        dose: m.daily_mg === null ? "" : `${m.daily_mg} mg a day`,
        takenFor: [],
        status: m.status,
        ...episodeMark(worst?.word ?? null, m.flags ?? [], known.length === partners.length),
        why: episodeWhy(worst, known.length, partners.length),
        more: 0,
        proposed: null,
        chips: (m.flags ?? []).map((f) => FLAGS[f] ?? f),
        critical: m.critical ?? false,
        open: seen.legal_actions.propose_intervention?.[m.drug_id] ?? [],
        onlySwitch: m.alternative ?? null,
        undo: sequence !== null && undoable.has(sequence) ? sequence : null,
      };
    }),
    cell: (a, b) => {
      const key = pairKey(a.slot, b.slot);
      const apart = a.status === "stopped" || b.status === "stopped";
      return { word: asked.get(key) ?? (apart ? "closed" : "unasked"), open: canQuery.has(key) };
    },
  };
}

const FLAGS: Record<string, string> = { beers: "Beers", renal: "Kidney", hepatic: "Liver" };

function episodeMark(worst: Word | null, flags: string[], all: boolean): { tone: Tone; word: string } {
  if (worst === "severe") return { tone: "urgent", word: "Severe" };
  if (worst === "moderate") return { tone: "change", word: "Moderate" };
  if (flags.length > 0) return { tone: "monitor", word: "Flagged" };
  if (worst === null) return { tone: "unknown", word: "Not asked" };
  if (!all) return { tone: "unknown", word: worst === "minor" ? "Minor so far" : "None so far" };
  return { tone: "keep", word: worst === "minor" ? "Minor" : "None found" };
}

function episodeWhy(worst: { word: Word; name: string } | null, known: number, partners: number): string {
  const asked = `${known} of ${partners} pairs asked`;
  return worst === null || worst.word === "none" ? asked : `${WORDS[worst.word]} with ${worst.name}; ${asked}`;
}

export const WORDS: Record<Cell["word"], string> = {
  severe: "Severe",
  moderate: "Moderate",
  minor: "Minor",
  none: "None found",
  unasked: "Not asked",
  closed: "Not taken together",
};

function wasOf(seen: TaskReview["observation"], id: string): string {
  return seen.interventions.find((i) => i.new_drug_id === id)?.target_drug_id ?? id;
}

/** "switch to paracetamol". */
function sayPlan(kind: Intervention, drug: string | null, route: string | null | undefined): string {
  const word = KINDS.find((k) => k.kind === kind)?.word ?? kind;
  const how = route && route !== "oral" ? ` (${route})` : "";
  return drug === null ? word : `${word} to ${plain(drug)}${how}`;
}

/** An action in words. */
export function sayAction(action: Action): string {
  if (action.action_type === "finish_review") return "Finished the review";
  if (action.action_type === "query_ddi") {
    return `Asked ${named(action.drug_id_1 ?? "")} + ${named(action.drug_id_2 ?? "")}`;
  }
  const word = KINDS.find((k) => k.kind === action.intervention_type)?.word ?? "";
  const to = action.proposed_new_drug_id ? ` to ${named(action.proposed_new_drug_id)}` : "";
  return `${word}: ${named(action.target_drug_id ?? "")}${to}`;
}
