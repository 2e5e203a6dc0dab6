import { Loader } from "@mantine/core";
import { lazy, Suspense } from "react";
import { OpenPage } from "./open/OpenPage";
import { PatientPage } from "./print/PatientPage";
import { ReviewPage } from "./review/ReviewPage";
import { useLocation } from "./router";

const MinedPage = lazy(async () => ({ default: (await import("./research/MinedPage")).MinedPage }));
const RunPage = lazy(async () => ({ default: (await import("./research/RunPage")).RunPage }));

/** Which view an address means; those for research alone are loaded when they are opened. */
export function App() {
  return (
    <Suspense fallback={<Loader m="md" />}>
      <View />
    </Suspense>
  );
}

function View() {
  const { pathname } = useLocation();
  const [, first, id, rest] = pathname.split("/");
  if (first === "run") return <RunPage />;
  if (first === "mined") return <MinedPage />;
  if (first === "review" && id && rest === "patient") return <PatientPage id={id} />;
  if (first === "review" && id) return <ReviewPage key={id} id={id} />;
  return <OpenPage />;
}
