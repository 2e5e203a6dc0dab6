import { Button, Kbd } from "@mantine/core";
import type { PatientReview, TaskReview } from "../api/client";
import { Dialog } from "../ui/Dialog";

const KEYS: [string, string][] = [
  ["j  k", "next, previous medicine"],
  ["s", "stop"],
  ["r", "reduce"],
  ["w", "switch"],
  ["m", "monitor"],
  ["e", "evidence: open or close"],
  ["q", "ask about a pair: q on one medicine, then q on the other"],
  ["u", "undo the last step"],
  ["f", "finish"],
  ["?", "these keys"],
];

export function KeysDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog onClose={onClose} title="Keys">
      <dl className="keys">
        {KEYS.map(([key, what]) => (
          <div key={key}>
            <dt>
              {key.split("  ").map((k) => (
                <Kbd key={k}>{k}</Kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <div className="row">
        <Button variant="default" autoFocus onClick={onClose}>
          Close
        </Button>
      </div>
    </Dialog>
  );
}

interface FinishProps {
  review: PatientReview | TaskReview;
  onClose: () => void;
  onFinish: () => void;
}

export function FinishDialog({ review, onClose, onFinish }: FinishProps) {
  return (
    <Dialog onClose={onClose} title="Finish the review?">
      <p>
        {review.kind === "patient"
          ? "Decisions are kept. Undo opens it again."
          : "The episode is graded now. That cannot be taken back."}
      </p>
      <div className="row">
        <Button autoFocus onClick={onFinish}>
          Finish
        </Button>
        <Button variant="default" onClick={onClose}>
          Go on
        </Button>
      </div>
    </Dialog>
  );
}
