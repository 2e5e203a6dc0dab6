/** Episodes as agents play them, and the score of a stored one: read once, and then at hand. */
import { useQuery } from "@tanstack/react-query";
import { api, passing, type Score, type TaskReview } from "../api/client";

export interface Episode {
  task: TaskReview["task_id"];
  split: TaskReview["split"];
  index: number;
  seed: number;
}

/** A whole episode by one agent ("": by nobody). Asked again by itself while cases or the agent are not ready. */
export function useRun({ task, split, index, seed }: Episode, agent: string, wanted = true) {
  return useQuery({
    queryKey: ["run", task, split, index, seed, agent],
    enabled: wanted && agent !== "",
    queryFn: async () => (await api.POST("/runs", { body: { task_id: task, split, index, agent, seed } })).data,
    retry: (count, error) => passing(error) && count < 300,
    retryDelay: 1500,
  });
}

/** The grade of a stored episode that has ended, beside the oracle's. */
export function useScore(review: TaskReview) {
  return useQuery<Score, Error>({
    queryKey: ["score", review.id],
    enabled: review.finished,
    queryFn: async () =>
      (await api.GET("/reviews/{review_id}/score", { params: { path: { review_id: review.id } } })).data as Score,
    retry: (count, error) => passing(error) && count < 300,
    retryDelay: 1500,
  });
}
