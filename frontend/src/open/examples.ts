import bundle from "../../../examples/nine_medicines.json?raw";
import csv from "../../../examples/list.csv?raw";
import pasted from "../../../examples/pasted_list.txt?raw";
import fifteen from "../../../examples/fifteen_medicines.txt?raw";

/** The files of /examples, built into the page. */
export const EXAMPLES: { title: string; about: string; text: string }[] = [
  { title: "Nine medicines", about: "FHIR bundle, woman of 82, two serious problems", text: bundle },
  { title: "Fifteen medicines", about: "pasted list, woman of 84 with heart failure", text: fifteen },
  { title: "Six medicines", about: "pasted list, man of 78 with brand names", text: pasted },
  { title: "Five medicines", about: "CSV table, age and kidneys not stated", text: csv },
];
