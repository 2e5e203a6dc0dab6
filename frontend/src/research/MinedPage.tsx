import { Button, Loader, Textarea } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, Failure, passing, type Mined, type MinedKnown, type Prediction, type Review } from "../api/client";
import { SEVERITIES, TONES } from "../review/FindingCard";
import { go } from "../router";
import { Mark } from "../ui/Mark";
import { Shell } from "../ui/Shell";
import { sentence, Told } from "../ui/Told";
import { byChance, drugsOf, percent, scoreName, tally } from "./mined";
import { Nav } from "./Nav";
import { Plot } from "./Plot";

const number = new Intl.NumberFormat("en");

function useMined() {
  return useQuery<Mined, Error>({
    queryKey: ["mined"],
    queryFn: async () => (await api.GET("/bandit/metrics")).data as Mined,
    retry: (count, error) => passing(error) && count < 300,
    retryDelay: 1500,
  });
}

/** The search of claims that this server was given: how it went, how far it can be trusted, and what it found. */
export function MinedPage() {
  const mined = useMined();
  return (
    <Shell bar={<Nav at="/mined" />}>
      <div className="open mined">
        <h1>What a search of claims found</h1>
        {mined.data ? <Whole of={mined.data} /> : <Missing query={mined} />}
      </div>
    </Shell>
  );
}

function Missing({ query }: { query: ReturnType<typeof useMined> }) {
  if (query.error === null) {
    return (
      <p className="waiting" role="status">
        <Loader size="xs" /> {query.failureReason?.message ?? "Reading the search"}
      </p>
    );
  }
  if (!(query.error instanceof Failure && query.error.status === 404)) return <Told error={query.error} />;
  return (
    <section className="card" aria-labelledby="none">
      <h2 id="none">Nothing was mined</h2>
      <p>{sentence(query.error.message)}</p>
    </section>
  );
}

function Whole({ of }: { of: Mined }) {
  return (
    <>
      <Search of={of} />
      <div className="plots">
        {of.curve.length > 0 && <Curves of={of} />}
        <Calibration of={of} />
      </div>
      <Findings of={of} />
      <Ask of={of} />
    </>
  );
}

function Search({ of }: { of: Mined }) {
  const { result } = of;
  const facts: [string, string][] = [
    ["Pool", `${of.data}, ${number.format(of.combinations)} combinations`],
    ["Threshold", `relative risk over ${of.threshold}: ${number.format(of.dangerous)} of them`],
    ["Method", result.method],
    ["Queries", `${number.format(of.queries)} of a budget of ${number.format(result.budget)}`],
    ["Seed", String(result.seed)],
    ["Ensemble", of.members === null ? "none exported" : `${of.members} ${of.members === 1 ? "network" : "networks"}, ${of.drugs} drugs`],
    ["Compared with", `knowledge base ${of.knowledge}`],
  ];
  return (
    <section className="card" aria-labelledby="search">
      <h2 id="search">The search</h2>
      <p className="figures">
        <span className="figure">
          <b data-testid="recall">{result.recall.toFixed(3)}</b> recall
        </span>
        <span className="figure">
          <b data-testid="precision">{result.precision.toFixed(3)}</b> precision
        </span>
        <span className="figure">
          <b>{number.format(result.flagged)}</b> flagged
        </span>
        {result.patterns_found !== null && (
          <span className="figure">
            <b>{percent(result.patterns_found)}</b> of the hidden patterns found
          </span>
        )}
      </p>
      <dl className="about">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p className="soft small">
        Recall and precision are measured against all risks of the pool, of which the search saw those that it asked for.
      </p>
    </section>
  );
}

function Curves({ of }: { of: Mined }) {
  const { curve } = of;
  const last = curve[curve.length - 1] as Mined["curve"][number];
  const most = last.queries;
  const random = byChance(of, last.queries);
  return (
    <>
      <Plot
        title="Recall and precision"
        x="queries"
        y="share"
        most={[most, 1]}
        series={[
          { name: "recall", look: "one", points: curve.map((p) => [p.queries, p.recall]) },
          { name: "precision", look: "two", points: curve.map((p) => [p.queries, p.precision]) },
        ]}
        said={`After ${number.format(last.queries)} queries recall is ${last.recall.toFixed(3)} and precision ${last.precision.toFixed(3)}.`}
        columns={["Queries", "Flagged", "Recall", "Precision"]}
        rows={curve.map((p) => [number.format(p.queries), number.format(p.flagged), p.recall.toFixed(3), p.precision.toFixed(3)])}
      />
      <Plot
        title="Hits"
        x="queries"
        y="hits"
        most={[most, Math.max(last.hits, random)]}
        series={[
          { name: "queries above the threshold", look: "one", points: [[0, 0], ...curve.map((p): [number, number] => [p.queries, p.hits])] },
          { name: "as many at random", look: "rest", points: [[0, 0], [most, random]] },
        ]}
        said={`${number.format(last.hits)} of ${number.format(last.queries)} queries hit; ${number.format(Math.round(random))} would at random.`}
        columns={["Queries", "Hits", "At random"]}
        rows={curve.map((p) => [number.format(p.queries), number.format(p.hits), byChance(of, p.queries).toFixed(1)])}
      />
    </>
  );
}

function Calibration({ of }: { of: Mined }) {
  const { calibration: groups, precision_promised: promised, result } = of;
  if (groups.length === 0 || promised === null) {
    return (
      <section className="card" aria-labelledby="calibration">
        <h2 id="calibration">Calibration</h2>
        <p>{result.method} says no chances and promises no precision.</p>
      </section>
    );
  }
  return (
    <Plot
      title="Calibration"
      x="chance said"
      y="share that was dangerous"
      most={[1, 1]}
      series={[
        { name: "combinations not asked (larger: more)", look: "one", points: groups.map((g) => [g.said, g.right]), counts: groups.map((g) => g.count) },
        { name: "as promised", look: "rest", points: [[0, 0], [1, 1]] },
      ]}
      said={`Promised: ${percent(promised)} of what is flagged is above the threshold. Realised: ${percent(result.precision)}, and ${percent(of.precision_unqueried)} of what was flagged unasked.`}
      columns={["Chance said", "Share dangerous", "Combinations"]}
      rows={groups.map((g) => [g.said.toFixed(3), g.right.toFixed(3), number.format(g.count)])}
    />
  );
}

const FIRST = 15;

function Findings({ of }: { of: Mined }) {
  const [all, setAll] = useState(false);
  const score = scoreName(of.result.method);
  const review = useMutation<Review, Error, string[]>({
    mutationFn: async (drugs) => (await api.POST("/reviews", { body: { patient: drugs.join("\n") } })).data as Review,
    onSuccess: (opened) => go(`/review/${opened.id}`),
  });
  if (of.findings.length === 0) {
    return (
      <section className="card" aria-labelledby="findings">
        <h2 id="findings">Top findings</h2>
        <p>Nothing was flagged, which does not mean safe.</p>
      </section>
    );
  }
  return (
    <section className="card" aria-labelledby="findings">
      <h2 id="findings">Top findings</h2>
      <p>
        {of.findings.length} of {number.format(of.result.flagged)} flagged, the surest first: {tally(of.findings)}. New: no interaction among
        them is in knowledge base {of.knowledge}, which does not mean safe.
      </p>
      <p className="screen">Evidence opens the drugs of a row as a review, which is stored like any other.</p>
      {review.error && <Told error={review.error} onClose={() => review.reset()} />}
      <div className="scroll-x" tabIndex={0} role="region" aria-label="Top findings by row">
        <table className="plain findings">
          <thead>
            <tr>
              <th scope="col">Drugs</th>
              <th scope="col" className="n">
                Relative risk
              </th>
              <th scope="col" className="n">
                {score}
              </th>
              <th scope="col">Knowledge base</th>
            </tr>
          </thead>
          <tbody>
            {of.findings.slice(0, all ? undefined : FIRST).map((f, row) => (
              <tr key={row}>
                <th scope="row">
                  {f.drugs.join(" + ")}
                  <span className="soft small narrow">
                    relative risk {risk(f)}, {score.toLowerCase()} {f.score.toFixed(3)}
                  </span>
                </th>
                <td className="n">{risk(f)}</td>
                <td className="n">{f.score.toFixed(3)}</td>
                <td>
                  <Known of={f.known} />{" "}
                  {f.known.status === "known" && (
                    <button
                      type="button"
                      className="link screen"
                      aria-label={`Evidence of ${f.drugs.join(" + ")}`}
                      disabled={review.isPending}
                      onClick={() => review.mutate(f.drugs)}
                    >
                      Evidence
                    </button>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {of.findings.length > FIRST && (
        <Button className="screen" size="xs" variant="default" mt="sm" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? `The first ${FIRST} alone` : `All ${of.findings.length}`}
        </Button>
      )}
      <p className="soft">Leads for research: an association in claims is no proof of harm.</p>
    </section>
  );
}

function risk(finding: Mined["findings"][number]): string {
  return finding.relative_risk === null ? "not asked" : finding.relative_risk.toFixed(2);
}

/** What the knowledge base says: known with its severity, new, or not known by name. */
function Known({ of }: { of: MinedKnown }) {
  if (of.status === "new") return <Mark tone="unknown" word="New" />;
  if (of.status === "unresolved" || of.severity === null) {
    return <span className="soft">{sentence(of.message)}</span>;
  }
  return (
    <>
      <Mark tone={TONES[of.severity]} word={SEVERITIES[of.severity]} /> {sentence(of.message)}
    </>
  );
}

function Ask({ of }: { of: Mined }) {
  const [text, setText] = useState("");
  const asked = useMutation<Prediction, Error, string[]>({
    mutationFn: async (drugs) => (await api.POST("/bandit/predict", { body: { drugs } })).data as Prediction,
  });
  const drugs = drugsOf(text);
  return (
    <section className="card screen" aria-labelledby="ask">
      <h2 id="ask">What does the ensemble say of these drugs?</h2>
      {of.members === null ? (
        <p>There is no ensemble to ask: {of.result.method} exports none, mine search --method optim_neural_ts does.</p>
      ) : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            asked.mutate(drugs);
          }}
        >
          <Textarea
            label="Drugs, one a line, named as the claims name them"
            placeholder={of.findings[0]?.drugs.join("\n")}
            autosize
            minRows={3}
            maxRows={8}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
          />
          <Button type="submit" mt="sm" disabled={drugs.length === 0} loading={asked.isPending}>
            Ask
          </Button>
          {asked.error && <Told error={asked.error} onClose={() => asked.reset()} />}
          <div role="status">{asked.data && <Answer found={asked.data} of={of} />}</div>
        </form>
      )}
    </section>
  );
}

function Answer({ found, of }: { found: Prediction; of: Mined }) {
  return (
    <>
      <h3>{found.drugs.join(" + ")}</h3>
      <p className="figures">
        <span className="figure">
          <b data-testid="mean">{found.mean.toFixed(2)}</b> relative risk, sigma {found.sigma.toFixed(2)}
        </span>
        <Mark tone={found.flagged ? "urgent" : "unknown"} word={found.flagged ? "Flagged" : "Not flagged"} />
      </p>
      <p>
        Flagged where relative risk − {of.sigmas} × sigma is over {of.threshold}; not flagged does not mean safe.
      </p>
      <p>
        <Known of={found.known} />
        {found.known.status === "new" && ` ${sentence(found.known.message)}`}
      </p>
    </>
  );
}
