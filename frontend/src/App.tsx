import { OpenPage } from "./open/OpenPage";
import { PatientPage } from "./print/PatientPage";
import { RunPage } from "./research/RunPage";
import { ReviewPage } from "./review/ReviewPage";
import { useLocation } from "./router";

/** Which view an address means. */
export function App() {
  const { pathname } = useLocation();
  const [, first, id, rest] = pathname.split("/");
  if (first === "run") return <RunPage />;
  if (first === "review" && id && rest === "patient") return <PatientPage id={id} />;
  if (first === "review" && id) return <ReviewPage key={id} id={id} />;
  return <OpenPage />;
}
