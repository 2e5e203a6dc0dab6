import { Button, Loader, NativeSelect } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api, type Action, type PatientReview, type Suggestion, type TaskReview } from "../api/client";
import { sentence, Told } from "../ui/Told";
import { sayAction } from "./board";

const SOURCES: Record<string, string> = {
  llm: "a language model",
  policy: "a trained policy",
  heuristic: "a fixed rule of thumb",
};

export const REASONS = [
  "The benefit outweighs the risk for this patient",
  "The patient wishes otherwise",
  "It was tried before",
  "It is monitored already",
  "Something else comes first",
  "The record is wrong or out of date",
];

interface Props {
  review: PatientReview | TaskReview;
  onAccept: (action: Action) => void;
  onOverride: (reason: string) => void;
  override: string | null;
}

/** A next step to consider: closed until it is asked for, so that it does not come before one's own thought. */
export function SuggestionBox({ review, onAccept, onOverride, override }: Props) {
  const [reason, setReason] = useState(REASONS[0] ?? "");
  const ask = useMutation<Suggestion, Error>({
    mutationFn: async () => (await api.POST("/agent/suggest", { body: { review_id: review.id } })).data as Suggestion,
  });
  if (review.finished) return null;
  const shown = ask.data;
  return (
    <section className="card suggestion" aria-labelledby="suggestion">
      <div className="row between">
        <h2 id="suggestion">Suggestion</h2>
        {shown === undefined && (
          <Button size="xs" variant="default" onClick={() => ask.mutate()} disabled={ask.isPending}>
            {ask.isPending ? <Loader size="xs" /> : "Suggest the next step"}
          </Button>
        )}
      </div>
      {override !== null && <p role="status">Your next decision is stored with: {override}</p>}
      {ask.error && <Told error={ask.error} />}
      {shown && (
        <div role="status">
          <p>
            <b>{shown.action.action_type === "finish_review" ? "Finish the review" : sayAction(shown.action)}</b>
          </p>
          <p>{shown.rationale}</p>
          <p className="soft small">
            From {review.kind === "patient" ? "the plan of this review" : (SOURCES[shown.source] ?? shown.source)}.
            {shown.note ? ` ${sentence(shown.note)}` : ""}
            {shown.guardrails.filter((g) => g.changed).map((g) => ` ${sentence(g.note)}`)}
          </p>
          <div className="row">
            <Button size="xs" onClick={() => onAccept({ ...shown.action, rationale: shown.rationale.slice(0, 4000) })}>
              Accept
            </Button>
            <NativeSelect
              size="xs"
              aria-label="Reason to override"
              data={REASONS}
              value={reason}
              onChange={(event) => setReason(event.currentTarget.value)}
            />
            <Button
              size="xs"
              variant="default"
              onClick={() => {
                onOverride(`Suggestion not taken (${sayAction(shown.action)}): ${reason}`);
                ask.reset();
              }}
            >
              Override
            </Button>
          </div>
        </div>
      )}
    </section>
  );
}
