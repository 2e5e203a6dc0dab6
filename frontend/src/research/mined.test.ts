import { expect, test } from "vitest";
import type { Mined } from "../api/client";
import { byChance, drugsOf, percent, scoreName, tally } from "./mined";

test("drugs are read one a line, names with commas and spaces whole", () => {
  expect(drugsOf(" warfarin \n\n amoxicillin, clavulanate\r\n")).toEqual(["warfarin", "amoxicillin, clavulanate"]);
  expect(drugsOf(" \n")).toEqual([]);
});

test("findings are told apart by what the knowledge base says of them", () => {
  const known = { status: "known", severity: "avoid", message: "" } as const;
  const finding = (status: "known" | "new" | "unresolved"): Mined["findings"][number] => ({
    drugs: ["a", "b"],
    relative_risk: null,
    score: 1,
    known: status === "known" ? known : { status, severity: null, message: "" },
  });
  expect(tally([finding("known"), finding("new"), finding("known")])).toBe("2 known, 1 new, 0 with a drug not known by name");
});

test("a score is called by what its method means with it", () => {
  expect(scoreName("pool_search")).toBe("Chance of danger");
  expect(scoreName("optim_neural_ts")).toBe("Lower bound of the risk");
  expect(scoreName("another")).toBe("Score");
});

test("queries at random hit as often as the pool is dangerous", () => {
  expect(byChance({ combinations: 1500, dangerous: 450 }, 500)).toBe(150);
  expect(byChance({ combinations: 0, dangerous: 0 }, 500)).toBe(0);
  expect(percent(0.9949)).toBe("99.5%");
});
