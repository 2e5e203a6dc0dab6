import { Button } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { $api, api } from "../api/client";
import { plain } from "../review/board";
import { go } from "../router";
import { Told } from "../ui/Told";

const SHOWN = 8;

/** Reviews that are stored: go on, or delete for good. */
export function Recent() {
  const client = useQueryClient();
  const [asked, setAsked] = useState<string | null>(null);
  const options = $api.queryOptions("get", "/reviews", { params: { query: { limit: SHOWN } } });
  const list = $api.useQuery("get", "/reviews", { params: { query: { limit: SHOWN } } }, { staleTime: 0 });
  const remove = useMutation({
    mutationFn: (id: string) => api.DELETE("/reviews/{review_id}", { params: { path: { review_id: id } } }),
    onSuccess: () => client.invalidateQueries({ queryKey: options.queryKey }),
  });
  if (list.error) return <Told error={list.error as unknown as Error} />;
  if (!list.data || list.data.reviews.length === 0) return null;
  return (
    <section className="card" aria-labelledby="recent">
      <h2 id="recent">Go on with a review</h2>
      <div className="scroll-x" tabIndex={0} role="region" aria-label="Stored reviews">
        <table className="plain">
          <thead>
            <tr>
              <th scope="col">Opened</th>
              <th scope="col">Who</th>
              <th scope="col">Steps</th>
              <th scope="col">Knowledge</th>
              <th scope="col">
                <span className="hidden">Delete</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {list.data.reviews.map((row) => {
              const who =
                row.kind === "task"
                  ? `${plain(row.task_id ?? "")}, ${plain(row.split ?? "")} ${row.index}`
                  : [row.sex, row.age, row.medicines === null ? null : `${row.medicines} medicines`]
                      .filter((part) => part !== null && part !== undefined)
                      .join(", ");
              return (
                <tr key={row.id}>
                  <td>{new Date(row.opened_at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" })}</td>
                  <td>
                    <a
                      href={`/review/${row.id}`}
                      onClick={(event) => {
                        event.preventDefault();
                        go(`/review/${row.id}`);
                      }}
                    >
                      {who}
                    </a>
                  </td>
                  <td>{row.sequence}</td>
                  <td>
                    {row.knowledge.version}
                    {row.continues ? "" : " (read only)"}
                  </td>
                  <td>
                    <Button
                      size="compact-xs"
                      variant="subtle"
                      color={asked === row.id ? "red" : "gray"}
                      onClick={() => (asked === row.id ? remove.mutate(row.id) : setAsked(row.id))}
                    >
                      {asked === row.id ? "Delete for good" : "Delete"}
                      <span className="hidden"> the review of {who}</span>
                    </Button>
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}
