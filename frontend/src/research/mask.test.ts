import { describe, expect, it } from "vitest";
import type { TaskReview } from "../api/client";
import { FINISH, INTERVENTIONS, interventionNumber, openActions, queryNumber, SLOTS } from "./mask";

describe("actions by number", () => {
  it("gives every action a number of its own, 0 to 165, the queries in the order of their slots", () => {
    const all: number[] = [];
    for (let i = 0; i < SLOTS; i++) for (let j = i + 1; j < SLOTS; j++) all.push(queryNumber(i, j));
    for (let slot = 0; slot < SLOTS; slot++) all.push(...INTERVENTIONS.map((kind) => interventionNumber(slot, kind)));
    all.push(FINISH);
    expect(all).toEqual([...Array(166).keys()]);
  });

  it("names a pair alike whichever way round", () => {
    expect(queryNumber(9, 4)).toBe(queryNumber(4, 9));
  });

  it("reads the mask from what the observation opens, by slot and not by place in the list", () => {
    const seen = {
      current_medications: [{ drug_id: "warfarin", slot: 2 }, { drug_id: "naproxen", slot: 0 }],
      legal_actions: { query_ddi: { warfarin: ["naproxen"] }, propose_intervention: { warfarin: ["stop", "add_monitoring"] }, finish_review: true },
    } as unknown as TaskReview["observation"];
    expect([...openActions(seen)].sort((a, b) => a - b)).toEqual([1, 113, 116, 165]);
  });
});
