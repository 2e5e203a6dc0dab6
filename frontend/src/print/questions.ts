import type { PatientReview } from "../api/client";

type Medicine = PatientReview["medicines"][number];

/** What a patient may ask about one medicine. It never says to stop, skip or change anything. */
export function questions(review: PatientReview, medicine: Medicine): string[] {
  const names = new Map(review.medicines.map((m) => [m.slot, m.name]));
  const name = medicine.name;
  const out: string[] = [];
  const about = [...review.findings, ...review.brought].filter((f) => f.slots.includes(medicine.slot) && (f.serious || f.severity_now === "adjust"));
  const partners = new Set(
    about.flatMap((f) => f.slots.filter((s) => s !== medicine.slot && f.slots.length === 2)).map((s) => names.get(s) ?? ""),
  );
  if (medicine.decision !== null) {
    out.push(
      medicine.status === "monitored"
        ? `My pharmacist wants to keep an eye on ${name}. Which checks do I need, and when?`
        : `My pharmacist would like to talk about a change to ${name}. What would change, and how would we do it safely?`,
    );
  }
  if (partners.size > 0) out.push(`Do ${list([name, ...partners])} go well together for me?`);
  if (about.some((f) => f.kind === "renal" || f.kind === "hepatic")) out.push(`Is my dose of ${name} right for my kidneys and liver?`);
  if (about.some((f) => f.kind === "beers" || f.kind === "stopp" || f.kind === "burden") && out.length === 0) {
    out.push(`Is ${name} still the best choice for me at my age?`);
  }
  if (medicine.proposed === "add_monitoring" && medicine.decision === null) {
    out.push(`Do I need a blood test or another check while I take ${name}?`);
  }
  if (medicine.taken_for.length === 0) out.push(`What do I take ${name} for?`);
  return out;
}

function list(words: string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
