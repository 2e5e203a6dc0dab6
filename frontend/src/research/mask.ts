/** The environment's 166 actions by number: 105 queries, four interventions on each of 15 slots, and finish. */
import type { Intervention, TaskReview } from "../api/client";

type Seen = TaskReview["observation"];

export const SLOTS = 15;
export const INTERVENTIONS: Intervention[] = ["stop", "dose_reduce", "substitute", "add_monitoring"];
export const FIRST_INTERVENTION = (SLOTS * (SLOTS - 1)) / 2;
export const FINISH = FIRST_INTERVENTION + SLOTS * INTERVENTIONS.length;

/** The number of the query of two different slots, 0 to 104. */
export function queryNumber(a: number, b: number): number {
  const [i, j] = a < b ? [a, b] : [b, a];
  return (i * (2 * SLOTS - i - 1)) / 2 + (j - i - 1);
}

export function interventionNumber(slot: number, kind: Intervention): number {
  return FIRST_INTERVENTION + slot * INTERVENTIONS.length + INTERVENTIONS.indexOf(kind);
}

/** The numbers of the actions that are open: where the mask is true. */
export function openActions(seen: Seen): Set<number> {
  const slotOf = new Map(seen.current_medications.map((m) => [m.drug_id, m.slot] as const));
  const slot = (id: string) => slotOf.get(id) ?? -1;
  const legal = seen.legal_actions;
  const open = new Set<number>();
  for (const [one, others] of Object.entries(legal.query_ddi ?? {})) {
    for (const other of others) open.add(queryNumber(slot(one), slot(other)));
  }
  for (const [id, kinds] of Object.entries(legal.propose_intervention ?? {})) {
    for (const kind of kinds) open.add(interventionNumber(slot(id), kind));
  }
  if (legal.finish_review) open.add(FINISH);
  return open;
}
