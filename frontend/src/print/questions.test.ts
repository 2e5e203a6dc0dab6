import { describe, expect, it } from "vitest";
import type { PatientReview } from "../api/client";
import { questions } from "./questions";

const KINDS = ["interaction", "beers", "stopp", "renal", "hepatic", "burden", "duplicate", "pgx", "start"];
const STATUSES = ["taken", "stopped", "dose_reduced", "substituted", "monitored"];

describe("what a patient may ask", () => {
  const cases = KINDS.flatMap((kind) => STATUSES.map((status) => ({ kind, status })));
  it.each(cases)("$kind, $status: never tells to stop, skip, halve or change", ({ kind, status }) => {
    const medicine = {
      slot: 0, name: "Naproxen", status, decision: status === "taken" ? null : { sequence: 1 }, taken_for: [], proposed: "stop",
    } as unknown as PatientReview["medicines"][number];
    const review = {
      medicines: [medicine, { slot: 1, name: "Warfarin" }],
      findings: [{ kind, slots: [0, 1], serious: true, severity_now: "avoid" }],
      brought: [],
    } as unknown as PatientReview;
    const asked = questions(review, medicine);
    expect(asked.length).toBeGreaterThan(0);
    for (const question of asked) {
      expect(question).toMatch(/\?$/);
      expect(question).not.toMatch(/\b(stop|skip|halve|do not take|don't take|switch)\b/i);
    }
  });
});
