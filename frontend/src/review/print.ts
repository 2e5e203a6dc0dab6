import { Failure, key } from "../api/client";

/** The clinician's page in a tab of its own; with a key it is fetched first, for a link cannot carry one. */
export async function printClinician(id: string): Promise<void> {
  const address = `/reviews/${id}/report?format=html`;
  const held = key();
  if (held === null) {
    window.open(address, "_blank", "noopener");
    return;
  }
  const answer = await fetch(address, { headers: { Authorization: `Bearer ${held}` } });
  if (!answer.ok) throw new Failure(answer.status, "The page could not be made. Try again.");
  window.open(URL.createObjectURL(await answer.blob()), "_blank");
}
