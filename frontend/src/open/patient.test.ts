import { expect, it } from "vitest";
import { NO_FACTS, patientOf } from "./patient";

it("takes FHIR as it is, and text with the facts beside it", () => {
  expect(patientOf('{"resourceType": "Bundle"}')).toEqual({ resourceType: "Bundle" });
  expect(patientOf("warfarin 4 mg", { ...NO_FACTS, age: "82", egfr: "42,5", conditions: "a, b;c" })).toEqual({
    text: "warfarin 4 mg", age: 82, sex: null, egfr: 42.5, conditions: ["a", "b", "c"],
  });
});

it("says what is wrong with a text", () => {
  expect(() => patientOf("  ")).toThrow(/Nothing to read/);
  expect(() => patientOf("{broken")).toThrow(/not/);
  expect(() => patientOf('{"a": 1}')).toThrow(/resourceType/);
  expect(() => patientOf("x", { ...NO_FACTS, age: "old" })).toThrow(/Age: old is not a number/);
});
