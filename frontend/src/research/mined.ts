/** A search of claims in words. */
import type { Mined } from "../api/client";

const SCORES: Record<string, string> = {
  pool_search: "Chance of danger",
  optim_neural_ts: "Lower bound of the risk",
};

/** What a method's score of a combination is called. */
export function scoreName(method: string): string {
  return SCORES[method] ?? "Score";
}

/** Drugs as typed, one a line. */
export function drugsOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
}

/** Of the findings: how many the knowledge base knows, and how many it does not, in words. */
export function tally(findings: Mined["findings"]): string {
  const count = (status: string) => findings.filter((f) => f.known.status === status).length;
  return `${count("known")} known, ${count("new")} new, ${count("unresolved")} with a drug not known by name`;
}

/** The hits to expect of as many queries at random. */
export function byChance(of: Pick<Mined, "combinations" | "dangerous">, queries: number): number {
  return of.combinations > 0 ? (queries * of.dangerous) / of.combinations : 0;
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}
