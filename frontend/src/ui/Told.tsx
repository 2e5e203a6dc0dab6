import { Alert, Button, PasswordInput } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Failure, setKey } from "../api/client";

/** What went wrong and what to do; asks for the key where that is what is missing. */
export function Told({ error, onClose }: { error: Error; onClose?: () => void }) {
  if (error instanceof Failure && error.status === 401) return <AskKey />;
  return (
    <Alert
      role="alert"
      className="told"
      color="red"
      variant="outline"
      title="Not done"
      withCloseButton={onClose !== undefined}
      closeButtonLabel="Close"
      onClose={onClose}
    >
      {sentence(error.message)}
    </Alert>
  );
}

export function sentence(text: string): string {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}

function AskKey() {
  const client = useQueryClient();
  const [value, setValue] = useState("");
  return (
    <form
      className="told"
      onSubmit={(event) => {
        event.preventDefault();
        setKey(value);
        void client.resetQueries();
      }}
    >
      <PasswordInput
        label="This server asks for a key"
        description="It is kept for this tab alone."
        value={value}
        onChange={(event) => setValue(event.currentTarget.value)}
        autoComplete="off"
      />
      <Button type="submit" mt="xs">
        Go on
      </Button>
    </form>
  );
}
