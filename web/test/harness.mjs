// A running chargegraph and a browser that tells of everything unwanted.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const out = process.env.SCREENSHOTS ?? join(dirname(fileURLToPath(import.meta.url)), "out");

// serve starts the program over the sandbox, on a port of its own. config is its
// file, if it has one.
export async function serve(program, config) {
  const folder = await mkdtemp(join(tmpdir(), "chargegraph-browser-")); // what it keeps, it keeps there
  const { PATH } = process.env;
  const args = ["-addr", "127.0.0.1:0"];
  if (config) {
    await writeFile(join(folder, "chargegraph.yaml"), config);
    args.push("-sandbox", "-config", "chargegraph.yaml");
  }
  const child = spawn(program, args, { cwd: folder, env: { PATH }, stdio: ["ignore", "inherit", "pipe"] });
  const said = [];
  const address = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`it ended with ${code}:\n${said.join("\n")}`)));
    createInterface({ input: child.stderr }).on("line", (line) => {
      said.push(line);
      const found = line.match(/playground\s+(http:\S+)/);
      if (found) resolve(found[1]);
    });
  });
  return {
    address,
    async ask(query, variables) {
      const response = await fetch(new URL("graphql", address), {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ query, variables }),
      });
      return response.json();
    },
    examples: async () => (await fetch(new URL("playground/examples.json", address))).json(),
    async stop() {
      if (child.exitCode === null) {
        child.kill("SIGTERM");
        await once(child, "exit");
      }
      await rm(folder, { recursive: true });
    },
  };
}

export function browse() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
  });
}

// open opens the address in a page of its own. page.unwanted lists what must not
// happen: violations of the policy, requests to other hosts, errors on the
// console, and answers of 400 and above, but for those that page.expected allows.
export async function open(browser, address, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.unwanted = [];
  page.expected = new Set();
  const note = (what) => page.unwanted.push(what);
  await page.exposeFunction("unwanted", note);
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (e) => globalThis.unwanted(`policy: ${e.effectiveDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`));
  });
  const { host } = new URL(address);
  const elsewhere = (url) => !/^(data|blob):/.test(url) && new URL(url).host !== host;
  page.on("request", (r) => { if (elsewhere(r.url())) note(`request to ${r.url()}`); });
  page.on("websocket", (w) => { if (elsewhere(w.url())) note(`socket to ${w.url()}`); });
  page.on("response", (r) => { if (r.status() >= 400 && !page.expected.has(r.status())) note(`${r.status()} from ${r.url()}`); });
  page.on("pageerror", (e) => note(`error: ${e.stack}`));
  page.on("console", (m) => {
    const told = /the server responded with a status of (\d+)/.exec(m.text()); // noted above
    if (["error", "warning"].includes(m.type()) && !told) note(`console: ${m.text()}`);
  });
  await page.goto(address);
  return page;
}

// answerOf returns what /graphql answers to what act does.
export async function answerOf(page, act) {
  const [response] = await Promise.all([
    page.waitForResponse((r) => r.url().endsWith("/graphql") && r.request().method() === "POST"),
    act(),
  ]);
  return { status: response.status(), request: response.request(), ...(await response.json()) };
}

// tryUntil calls act every second until seen is kept, for what may be asked
// before the other side listens.
export async function tryUntil(seen, act) {
  let done = false;
  const end = seen.finally(() => { done = true; });
  while (!done) {
    await act();
    await Promise.race([end, new Promise((resolve) => { setTimeout(resolve, 1000); })]);
  }
  return end;
}

export async function shoot(page, name) {
  await mkdir(out, { recursive: true });
  await page.screenshot({ path: join(out, `${name}.png`) });
}

export function assertClean(page) {
  assert.deepEqual(page.unwanted, []);
}
