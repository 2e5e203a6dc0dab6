import { describe, expect, it } from "vitest";
import type { PatientReview, TaskReview } from "../api/client";
import { patientBoard, sayAction, taskBoard } from "./board";

type Seen = TaskReview["observation"];

function episode(queries: Seen["interaction_queries"], statuses: string[] = []): Parameters<typeof taskBoard>[0] {
  const ids = ["warfarin", "naproxen", "metoprolol"];
  return {
    finished: false,
    can_undo: [],
    timeline: [],
    observation: {
      current_medications: ids.map((id, slot) => ({
        drug_id: id, name: id, slot, daily_mg: null, flags: [], critical: false, alternative: null,
        status: statuses[slot] ?? "taken",
      })),
      interaction_queries: queries,
      interventions: [],
      legal_actions: { query_ddi: { warfarin: ["naproxen", "metoprolol"], naproxen: ["metoprolol"] }, propose_intervention: {}, finish_review: true },
    } as unknown as Seen,
  };
}

describe("an episode's board", () => {
  it("knows of no pair that was not asked", () => {
    const { medicines, cell } = taskBoard(episode([]));
    for (const a of medicines) {
      expect(a.word).toBe("Not asked");
      for (const b of medicines) if (a !== b) expect(cell(a, b).word).toBe("unasked");
    }
  });

  it("shows what a query found, whichever way round, and on the medicines it is about alone", () => {
    const { medicines, cell } = taskBoard(episode([{ drug_id_1: "naproxen", drug_id_2: "warfarin", severity: "severe" }]));
    const [warfarin, naproxen, metoprolol] = medicines;
    expect(cell(warfarin!, naproxen!).word).toBe("severe");
    expect(cell(naproxen!, warfarin!).word).toBe("severe");
    expect(warfarin!.tone).toBe("urgent");
    expect(metoprolol!.tone).toBe("unknown");
  });

  it("does not call a medicine clear while a pair of it was not asked", () => {
    const one = { drug_id_1: "naproxen", drug_id_2: "warfarin", severity: "none" } as const;
    expect(taskBoard(episode([one])).medicines[0]!.word).toBe("None so far");
    const both = taskBoard(episode([one, { ...one, drug_id_1: "metoprolol" }]));
    expect(both.medicines.map((m) => m.word)).toEqual(["None found", "None so far", "None so far"]);
  });

  it("keeps what was found of a medicine that was stopped", () => {
    const review = episode([{ drug_id_1: "warfarin", drug_id_2: "naproxen", severity: "severe" }], ["taken", "stopped"]);
    const { medicines, cell } = taskBoard(review);
    expect(cell(medicines[0]!, medicines[1]!).word).toBe("severe");
  });
});

describe("a patient's board", () => {
  const medicine = (slot: number, why: string) =>
    ({ drug_id: `d${slot}`, name: `D${slot}`, slot, was: null, dose: "", taken_for: [], status: "taken", decision: null,
       priority: "urgent", why, proposed: "substitute", proposed_drug: "diclofenac", burdens: { "anticholinergic-total": 3, "qt-three": 1 },
       critical: false }) as unknown as PatientReview["medicines"][number];
  const review = {
    finished: false, can_undo: [], legal_actions: { propose_intervention: { d0: ["stop"] } },
    plan: [{ slot: 0, replacement_route: "topical" }], pairs: [{ slots: [0, 1], word: "moderate" }, { slots: [0, 1], word: "minor" }],
    medicines: [medicine(0, "One; Two; and 9 more"), medicine(1, "One; Two"), medicine(2, "One")],
  } as unknown as PatientReview;

  it("says one reason and counts the others", () => {
    expect(patientBoard(review).medicines.map((m) => [m.why, m.more])).toEqual([["One", 10], ["One", 1], ["One", 0]]);
  });

  it("names the route of a replacement that is not swallowed, and what is opened", () => {
    const [first, second] = patientBoard(review).medicines;
    expect(first!.proposed).toBe("Switch to diclofenac (topical)");
    expect(first!.chips).toEqual(["Anticholinergic 3", "QT"]);
    expect([first!.open, second!.open]).toEqual([["stop"], []]);
  });

  it("says what was decided, and stays urgent while something serious is left", () => {
    const decided = (status: string, worst: string | null) => {
      const medicines = [{ ...review.medicines[0]!, status, worst }] as PatientReview["medicines"];
      const { tone, word } = patientBoard({ ...review, medicines }).medicines[0]!;
      return [tone, word];
    };
    expect(decided("stopped", null)).toEqual(["keep", "Stopped"]);
    expect(decided("dose_reduced", "monitor")).toEqual(["keep", "Reduced"]);
    expect(decided("monitored", "avoid")).toEqual(["urgent", "Act first"]);
    expect(decided("substituted", "contraindicated")).toEqual(["urgent", "Act first"]);
    expect(decided("taken", null)).toEqual(["urgent", "Act first"]);
  });

  it("shows the worst finding of a pair, and none found where there is none", () => {
    const { medicines, cell } = patientBoard(review);
    expect(cell(medicines[1]!, medicines[0]!).word).toBe("moderate");
    expect(cell(medicines[2]!, medicines[0]!).word).toBe("none");
  });
});

it("says actions in words", () => {
  expect(sayAction({ action_type: "query_ddi", drug_id_1: "warfarin", drug_id_2: "timolol#7" })).toBe("Asked Warfarin + Timolol");
  expect(sayAction({ action_type: "propose_intervention", target_drug_id: "naproxen", intervention_type: "substitute", proposed_new_drug_id: "paracetamol" })).toBe("Switch: Naproxen to Paracetamol");
});
