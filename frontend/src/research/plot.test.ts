import { expect, test } from "vitest";
import { EDGES, HEIGHT, label, place, radii, ticks, WIDTH } from "./plot";

test("ticks are round, start at 0, and none is above the most", () => {
  expect(ticks(1)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  expect(ticks(500)).toEqual([0, 100, 200, 300, 400, 500]);
  expect(ticks(229)).toEqual([0, 50, 100, 150, 200]);
  expect(ticks(0)).toEqual([0]);
  for (let most = 1; most < 100_000; most = Math.ceil(most * 1.37)) {
    const held = ticks(most);
    expect(held.length).toBeGreaterThanOrEqual(3);
    expect(held.length).toBeLessThanOrEqual(7);
    expect(held.at(-1)).toBeLessThanOrEqual(most);
    expect(most - (held.at(-1) ?? 0)).toBeLessThan(held[1] ?? 0);
  }
});

test("labels are short", () => {
  expect([0.2, 1000, 9999, 30_000, 2_500_000].map(label)).toEqual(["0.2", "1,000", "9,999", "30K", "2.5M"]);
});

test("corners stand at the edges, up is more, and what lies outside is held", () => {
  expect(place([0, 0], [10, 2])).toEqual([EDGES.left, HEIGHT - EDGES.bottom]);
  expect(place([10, 2], [10, 2])).toEqual([WIDTH - EDGES.right, EDGES.top]);
  expect(place([20, -1], [10, 2])).toEqual([WIDTH - EDGES.right, HEIGHT - EDGES.bottom]);
  expect(place([0, 0], [0, 0])).toEqual([EDGES.left, HEIGHT - EDGES.bottom]);
});

test("radii grow with counts", () => {
  const [few, some, most] = radii([1, 100, 400]) as [number, number, number];
  expect(few).toBeGreaterThan(2.5);
  expect(some).toBeCloseTo(2.5 + 5.5 / 2);
  expect(most).toBe(8);
  expect(radii([])).toEqual([]);
});
