/** The geometry of a plot: where a value stands, and the round numbers beside the axes. */

export const WIDTH = 380;
export const HEIGHT = 228;
export const EDGES = { left: 50, right: 22, top: 10, bottom: 42 };

export type Point = [number, number];

/** Round numbers from 0 to `most` or just below it: at most seven, evenly spaced. */
export function ticks(most: number): number[] {
  if (!(most > 0)) return [0];
  const rough = 10 ** Math.floor(Math.log10(most / 6));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * rough).find((s) => most / s <= 6 + 1e-9) ?? most;
  return Array.from({ length: Math.floor(most / step + 1e-9) + 1 }, (_, n) => Number((n * step).toPrecision(12)));
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 3 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

/** A number beside an axis, where there is room for six characters. */
export function label(value: number): string {
  return value < 10_000 ? whole.format(value) : short.format(value);
}

/** A point of values 0 to `most` each, in the plot's own units; what lies outside stands at the edge. */
export function place([x, y]: Point, [mostX, mostY]: Point): Point {
  const share = (value: number, most: number) => (most > 0 ? Math.min(Math.max(value / most, 0), 1) : 0);
  const { left, right, top, bottom } = EDGES;
  return [left + share(x, mostX) * (WIDTH - left - right), HEIGHT - bottom - share(y, mostY) * (HEIGHT - top - bottom)];
}

/** Radii whose areas go by the counts, from 2.5 to 8. */
export function radii(counts: number[]): number[] {
  const most = Math.max(...counts, 1);
  return counts.map((count) => 2.5 + 5.5 * Math.sqrt(count / most));
}
