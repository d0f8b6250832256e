// GraphiQL with the examples, a line about the last answer, and a way on from it.

import { createRoot } from "react-dom/client";
import { useEffect, useSyncExternalStore } from "react";
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import { buildSchema, introspectionFromSchema, parse } from "graphql";
import { pick, useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { createGraphiQLFetcher, createLocalStorage } from "@graphiql/toolkit";
import { asking, following, load, waits } from "../small/examples.js";
import "graphiql/style.css";
import "./app.css";

// Set by build.mjs: a file for each kind of worker.
globalThis.MonacoEnvironment = {
  getWorker: (_, label) => new Worker(new URL(WORKERS[label] ?? WORKERS.editor, import.meta.url)),
};

const root = document.getElementById("playground");

// ---- asking -------------------------------------------------------------------------------------------

// status is the line below the answer; React reads it through subscribe.
let status = { text: "Ask by the button, or Ctrl-Enter." };
const readers = new Set();
function say(text, bad = false) {
  status = { text, bad };
  for (const read of readers) read();
}
function subscribe(read) {
  readers.add(read);
  return () => readers.delete(read);
}

// With the first of these, refusals have a status of their own.
const accept = "application/graphql-response+json, application/json;q=0.9, multipart/mixed;q=0.8";

// ask is fetch that tells how it went, and what came if that is not JSON: a
// proxy's page, say.
async function ask(url, init) {
  say("Asking…");
  const began = performance.now();
  let response;
  try {
    response = await fetch(url, { ...init, headers: { ...init.headers, accept } });
  } catch (error) {
    say("No answer", true);
    throw error;
  }
  say(`${response.status} ${response.statusText} · ${Math.round(performance.now() - began)} ms`, !response.ok);
  const type = response.headers.get("Content-Type") ?? "";
  if (/json|multipart/.test(type)) return response;
  throw new Error(`${response.status} ${response.statusText}, and no JSON: ${(await response.text()).slice(0, 500)}`);
}

const url = new URL("graphql", location.href).href;
const quiet = createGraphiQLFetcher({ url, enableIncrementalDelivery: false });
const loud = createGraphiQLFetcher({ url, subscriptionUrl: url.replace(/^http/, "ws"), fetch: ask, schemaFetcher });

// schemaFetcher asks for the schema. Where that is refused, as for want of a key,
// the text that the service shows to everybody tells the same.
async function schemaFetcher(params, options) {
  const answer = await quiet(params, options);
  const text = root.dataset.schema;
  if (answer.data?.__schema || !text) return answer;
  const response = await fetch(text);
  if (!response.ok) return answer;
  return { data: introspectionFromSchema(buildSchema(await response.text())) };
}

function fetcher(params, options) {
  let documentAST;
  try {
    documentAST = parse(params.query);
  } catch {
    return loud(params, options); // the service says what is wrong
  }
  // GraphiQL's own idea of the operation lags behind a change of tabs.
  const operations = documentAST.definitions.filter((d) => d.kind === "OperationDefinition");
  const operationName = operations.length === 1 ? operations[0].name?.value : params.operationName;
  const operation = operations.find((o) => o.name?.value === operationName);
  if (operation?.operation === "subscription") say("Listening. The button above stops it.");
  return loud({ ...params, operationName }, { ...options, documentAST });
}

// ---- examples -----------------------------------------------------------------------------------------

// commented is the example's query below its sentence.
function commented({ about, query }) {
  const lines = about.replace(/(.{1,52})(\s+|$)/g, "# $1\n");
  return `${lines}${query}\n`;
}

// useShow returns a function that opens an example in a new tab.
function useShow() {
  const { addTab } = useGraphiQLActions();
  const { queryEditor, variableEditor } = useGraphiQL(pick("queryEditor", "variableEditor"));
  return (example, variables = example.variables) => {
    // On a phone the list of examples covers the tab, and only its button takes it away.
    if (matchMedia("(max-width: 700px)").matches) document.querySelector(".graphiql-sidebar .active")?.click();
    addTab();
    queryEditor?.setValue(commented(example));
    variableEditor?.setValue(variables);
    queryEditor?.focus();
  };
}

const ExamplesIcon = (props) => (
  <svg height="1em" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinejoin="round" {...props}>
    <path d="M13.5 3 5 13.5h6L10 21l8.5-10.5h-6z" />
  </svg>
);

function examplesPlugin(examples) {
  function Examples() {
    const show = useShow();
    return (
      <section className="examples" aria-label="Examples">
        <h2>Examples</h2>
        <ul>
          {examples.map((example) => (
            <li key={example.title}>
              <button type="button" className="graphiql-un-styled" onClick={() => show(example)}>{example.title}</button>
              <p>{example.about}</p>
            </li>
          ))}
        </ul>
        <p className="credits">Made with GraphiQL and others: <a href="playground/licenses.txt">licences</a>.</p>
      </section>
    );
  }
  return { title: "Examples", icon: ExamplesIcon, content: Examples };
}

// ---- below the answer ---------------------------------------------------------------------------------

function Below({ examples }) {
  const { text, bad } = useSyncExternalStore(subscribe, () => status);
  const { moveTab } = useGraphiQLActions();
  const { tabs, activeTabIndex } = useGraphiQL(pick("tabs", "activeTabIndex"));
  const show = useShow();
  const active = tabs[activeTabIndex];
  const on = following(examples, active?.response ?? "")
    .filter(({ example }) => !active.query?.includes(example.query));

  // Examples that wait for such an id get it, in the tabs where they stand.
  useEffect(() => {
    const filled = tabs.map((tab) => {
      const way = tab !== active && on.find(({ example }) => waits(example) && tab.query === commented(example));
      const variables = way ? asking(way.example, way.id) : tab.variables;
      return variables === tab.variables ? tab : { ...tab, variables };
    });
    if (filled.some((tab, i) => tab !== tabs[i])) moveTab(filled);
  });

  useEffect(() => { // GraphiQL opens new tabs out of sight
    document.querySelector("[role=tab][aria-selected=true]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [active?.id]);

  return (
    <div className="below">
      <span role="status" className={bad ? "bad" : undefined}>{text}</span>
      {on.map(({ example, id }) => (
        <button key={example.title} type="button" className="graphiql-un-styled" title={id}
          onClick={() => show(example, asking(example, id))}>
          {example.title}: <code>{id}</code>
        </button>
      ))}
    </div>
  );
}

// ---- begin --------------------------------------------------------------------------------------------

const HEADERS = `{
  // For a service that asks who you are.
  // Not kept when the page is left.
  // "Authorization": "Bearer app.secret"
}
`;

// What was written over made-up data is not offered over real data: a check-in
// would be published.
const storage = createLocalStorage({ namespace: root.dataset.sandbox ? "chargegraph-sandbox" : "chargegraph" });

// GraphiQL keeps the tabs, and the texts of the editors a second time; where the
// two were not written in the same moment, it opens another tab. Here the tabs
// count. Its history would keep headers, with keys in them: they are left out.
const { getItem, setItem } = storage;
const twice = (key) => /:(query|variables|headers)$/.test(key);
storage.getItem = (key) => (twice(key) ? null : getItem(key));
storage.setItem = (key, value) => { if (!twice(key)) setItem(key, withoutHeaders(value)); };

function withoutHeaders(text) {
  if (!text.startsWith("{")) return text;
  return JSON.stringify(JSON.parse(text), (key, value) => (key === "headers" ? null : value));
}

// keptTab returns the tab that was open when the page was left, if any.
function keptTab() {
  try {
    const { tabs, activeTabIndex } = JSON.parse(getItem("graphiql:tabState"));
    return tabs[activeTabIndex];
  } catch {
    return undefined;
  }
}

function Playground({ examples, plugins, tabs }) {
  const open = keptTab() ?? tabs[0];
  return (
    <GraphiQL
      fetcher={fetcher}
      plugins={plugins}
      defaultTabs={tabs}
      initialQuery={open.query}
      initialVariables={open.variables}
      defaultHeaders={HEADERS}
      defaultEditorToolsVisibility="variables"
      storage={storage}
      shouldPersistHeaders={false}
      inputValueDeprecation
      schemaDescription
    >
      <GraphiQL.Logo>
        <img src="playground/icon.svg" alt="" width="20" height="20" />
        <span>chargegraph</span>
        {root.dataset.schema && <a href={root.dataset.schema}>Schema</a>}
      </GraphiQL.Logo>
      <GraphiQL.Footer><Below examples={examples} /></GraphiQL.Footer>
    </GraphiQL>
  );
}

async function begin() {
  let examples = [];
  try {
    examples = await load();
  } catch (error) {
    say(`The examples could not be read: ${error.message}`, true);
  }
  const plugins = examples.length ? [examplesPlugin(examples), HISTORY_PLUGIN] : [HISTORY_PLUGIN];
  const tabs = examples.map((e) => ({ query: commented(e), variables: e.variables }));
  if (!tabs.length) tabs.push({ query: "{\n  __typename\n}\n", variables: "" });
  createRoot(root).render(<Playground {...{ examples, plugins, tabs }} />);
}

begin();
