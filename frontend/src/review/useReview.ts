/** The review that the address names: read, acted on, and caught up with when the server comes back. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, Failure, newKey, passing, type Action, type Review } from "../api/client";

export type Step = { act: Action } | { undo: number | null } | { agent: string; seed: number };

interface Sent {
  step: Step;
  key: string;
}

const MINUTES = 600;

export function reviewKey(id: string): unknown[] {
  return ["review", id];
}

export function useReview(id: string) {
  const client = useQueryClient();
  const query = useQuery<Review, Error>({
    queryKey: reviewKey(id),
    queryFn: async () => (await api.GET("/reviews/{review_id}", { params: { path: { review_id: id } } })).data as Review,
    retry: (count, error) => passing(error) && count < MINUTES,
    retryDelay: 1000,
  });
  const mutation = useMutation<Review, Error, Sent>({
    scope: { id: `review-${id}` },
    // One after the other; `at` is what this tab saw last, so that its own quick steps follow and another's are a conflict.
    mutationFn: async (sent) =>
      (await send(id, sent, client.getQueryData<Review>(reviewKey(id))?.sequence ?? 0)) as Review,
    retry: (count, error) => passing(error) && count < MINUTES,
    retryDelay: 1000,
    onSuccess: (review) => client.setQueryData(reviewKey(id), review),
    onError: (error) => {
      if (error instanceof Failure && error.status === 409) void client.invalidateQueries({ queryKey: reviewKey(id) });
    },
  });
  return {
    query,
    mutation,
    play: (step: Step): Promise<Review> => mutation.mutateAsync({ step, key: newKey() }),
  };
}

async function send(id: string, { step, key }: Sent, at: number) {
  const path = { review_id: id };
  if ("act" in step) {
    const params = { path, query: { expected_sequence: at }, header: { "Idempotency-Key": key } };
    return (await api.POST("/reviews/{review_id}/actions", { params, body: step.act })).data;
  }
  if ("undo" in step) {
    const params = { path, query: { expected_sequence: at }, header: { "Idempotency-Key": key } };
    return (await api.POST("/reviews/{review_id}/undo", { params, body: { sequence: step.undo } })).data;
  }
  const params = { path, query: { expected_sequence: at } };
  return (await api.POST("/reviews/{review_id}/agent", { params, body: { agent: step.agent, seed: step.seed } })).data;
}
