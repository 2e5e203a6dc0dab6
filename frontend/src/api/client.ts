/** The server's calls, typed from its own OpenAPI (schema.d.ts is generated: npm run api). */
import createFetchClient, { type Middleware } from "openapi-fetch";
import createClient from "openapi-react-query";
import type { components, paths } from "./schema";

type Schemas = components["schemas"];
export type PatientReview = Schemas["PatientReviewView"];
export type TaskReview = Schemas["TaskReviewView"];
export type ClosedReview = Schemas["ClosedReviewView"];
export type Review = PatientReview | TaskReview | ClosedReview;
export type Action = Schemas["PolypharmacyAction"];
export type Intervention = NonNullable<Action["intervention_type"]>;
export type TimelineRow = Schemas["TimelineRow"];
export type Finding = Schemas["FindingView"];
export type MedicineRow = Schemas["MedicineView"];
export type Score = Schemas["Score"];
export type Suggestion = Schemas["Suggestion"];
export type Word = Schemas["InteractionQuery"]["severity"];
export type Mined = Schemas["Metrics"];
export type MinedKnown = Schemas["KnownOf"];
export type Prediction = Schemas["PredictionKnown"];
export type OpenReview = Schemas["OpenReview"];

const KEY = "polypharmacy-key";

/** What went wrong, in the server's own sentence. `status` 0: no answer at all. */
export class Failure extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Whether to try again by itself: nothing was reached, or it asks for that. */
export function passing(error: unknown): boolean {
  return error instanceof Failure && (error.status === 0 || error.status === 503);
}

export function key(): string | null {
  return sessionStorage.getItem(KEY);
}

export function setKey(value: string): void {
  sessionStorage.setItem(KEY, value);
}

const asFailure: Middleware = {
  onRequest({ request }) {
    const held = key();
    if (held) request.headers.set("Authorization", `Bearer ${held}`);
    return request;
  },
  async onResponse({ response }) {
    if (response.ok) return response;
    const body: unknown = await response.json().catch(() => null);
    const detail = body !== null && typeof body === "object" && "detail" in body ? String(body.detail) : "";
    throw new Failure(response.status, detail || `The server answered ${response.status}. Try again.`);
  },
  onError() {
    return new Failure(0, "The server does not answer.");
  },
};

export const api = createFetchClient<paths>({ baseUrl: location.origin });
api.use(asFailure);
export const $api = createClient(api);

/** A name for one action, so that sending it again never plays it twice. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}
