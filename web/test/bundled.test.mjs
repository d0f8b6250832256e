// GraphiQL, in a program that was built after `make web`: CHARGEGRAPH names it.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { answerOf, assertClean, browse, open, serve, shoot, tryUntil } from "./harness.mjs";

describe("GraphiQL", { timeout: 90_000 }, () => {
  let service, browser, examples, page;
  before(async () => {
    service = await serve(process.env.CHARGEGRAPH);
    examples = await service.examples();
    browser = await browse();
    page = await ready();
  });
  after(async () => {
    await browser?.close();
    await service?.stop();
  });

  async function ready(options, { address } = service) {
    const p = await open(browser, address, options);
    await p.locator(".graphiql-query-editor .view-line").first().waitFor();
    await p.waitForFunction(() => document.querySelectorAll(".graphiql-spinner").length === 0);
    return p;
  }
  const nameOf = (e) => e.query.match(/^\w+ (\w+)/)[1];
  const operation = (name) => examples.find((e) => nameOf(e) === name);
  const tabs = () => page.locator("[role=tab] .graphiql-tab-button");
  const tab = (name) => tabs().getByText(name, { exact: true }).first();
  const shown = (file) => page.evaluate((f) => globalThis.__MONACO.editor.getModels().find((m) => m.uri.path.endsWith(f)).getValue(), file);
  const run = () => page.getByRole("button", { name: /^(Execute|Stop) query/ }).click();
  const status = () => page.locator(".below [role=status]");
  const showsAnswer = (text) => page.waitForFunction(
    (t) => globalThis.__MONACO.editor.getModels().find((m) => m.uri.path.endsWith("response.json")).getValue().includes(t), text);

  // write replaces the text of an editor as a person would.
  async function write(section, text, into = page) {
    await into.locator(`${section} .graphiql-editor:not(.hidden) .view-lines`).click();
    await into.keyboard.press("Control+A");
    await into.keyboard.type(text);
    await into.keyboard.press("Control+Shift+End"); // brackets that the editor closed by itself
    await into.keyboard.press("Delete");
  }

  test("opens with a tab per example and says that the data is made up", async () => {
    assert.equal(await page.title(), "chargegraph playground");
    assert.match(await page.getByRole("note").textContent(), /Made-up data/);
    const titles = await tabs().allTextContents();
    assert.deepEqual(titles, examples.map(nameOf));
    assert.ok(titles.length >= 6, titles);
    assert.equal(await shown("variables.json"), JSON.stringify(examples[0].variables, null, 2));
    assertClean(page);
  });

  test("shows the answers of all example queries", async () => {
    for (const name of examples.filter((e) => /^query/.test(e.query)).map(nameOf)) {
      await tab(name).click();
      const { status: code, data, errors } = await answerOf(page, run);
      assert.equal(code, 200, name);
      assert.equal(errors, undefined, name);
      if (name !== "Delivery") assert.ok(Object.values(data).every(Boolean), name);
      await showsAnswer(`"${Object.keys(data)[0]}":`);
      assert.match(await status().textContent(), /^200 .*ms$/);
    }
    await tab(nameOf(examples[0])).click();
    await shoot(page, "graphiql");
    assertClean(page);
  });

  test("leads from an answer to the site in it", async () => {
    await tab("Nearby").click();
    const { data } = await answerOf(page, run);
    const { id } = data.pois.edges[0].node;
    await page.getByRole("button", { name: `One site: ${id}` }).click();
    assert.deepEqual(JSON.parse(await shown("variables.json")), { by: { id } });
    const answer = await answerOf(page, run);
    assert.ok(answer.data.poi.title);
    assertClean(page);
  });

  test("shows what is wrong with a query", async () => {
    await page.getByRole("button", { name: "New tab" }).click();
    await page.waitForFunction(() => {
      const { right } = document.querySelector("[role=tab][aria-selected=true]").getBoundingClientRect();
      return right <= document.querySelector("[role=tablist]").getBoundingClientRect().right + 1;
    });
    page.expected.add(400);
    await write(".graphiql-query-editor", "{ nonsense }");
    const { errors } = await answerOf(page, run);
    assert.match(errors[0].message, /nonsense/);
    await showsAnswer(errors[0].extensions.code);
    assert.match(await status().textContent(), /^400 /);
    await page.locator(".graphiql-query-editor .squiggly-error").first().waitFor(); // the editor says so too
    await shoot(page, "graphiql-error");
    assertClean(page);
  });

  test("sends the headers that were written", async () => {
    await tab("Sources").click();
    await page.getByRole("button", { name: "Headers" }).click();
    assert.match(await shown("request-headers.json"), /Authorization/);
    await write("[aria-label=Headers]", '{ "X-Request-Id": "from-the-playground" }');
    const { request } = await answerOf(page, run);
    assert.equal(request.headers()["x-request-id"], "from-the-playground");
    assertClean(page);
  });

  test("explains the schema", async () => {
    await page.getByRole("button", { name: "Show Documentation Explorer" }).click();
    const docs = page.getByRole("region", { name: "Documentation Explorer" }).or(page.locator(".graphiql-doc-explorer"));
    await docs.getByRole("link", { name: "Query", exact: true }).first().click();
    await docs.getByRole("link", { name: "pois", exact: true }).click();
    await docs.getByText("Where to look; exactly one shape.").waitFor();
    await shoot(page, "graphiql-docs");
    await page.getByRole("button", { name: "Hide Documentation Explorer" }).click();
    assertClean(page);
  });

  test("offers the examples again", async () => {
    await page.getByRole("button", { name: "Show Examples" }).click();
    const before = await tabs().count();
    await page.getByRole("region", { name: "Examples" }).getByRole("button", { name: "Viewport" }).click();
    assert.equal(await tabs().count(), before + 1);
    assert.match(await shown("operation.graphql"), /query Viewport/);
    assert.equal((await answerOf(page, run)).errors, undefined);
    await page.getByRole("button", { name: "Hide Examples" }).click();
    assertClean(page);
  });

  test("takes a check-in and follows its delivery", async () => {
    await tab("CheckIn").click();
    const { data } = await answerOf(page, run);
    assert.deepEqual(data.submitCheckIn.userErrors, []);
    const { id } = data.submitCheckIn.checkIn;
    await page.getByRole("button", { name: `Delivery: ${id}` }).waitFor();
    await shoot(page, "graphiql-check-in");
    await tab("Delivery").click();
    assert.deepEqual(JSON.parse(await shown("variables.json")), { id });
    assert.equal((await answerOf(page, run)).data.checkIn.id, id);
    await tab("DeliveryLive").click();
    await run();
    await showsAnswer('"checkInUpdated"');
    await showsAnswer('"DELIVERED"');
    assertClean(page);
  });

  test("receives comments as they come", async () => {
    await tab("CommentsLive").click();
    const socket = page.waitForEvent("websocket");
    await run();
    assert.match((await socket).url(), /^ws:.*\/graphql$/);
    const { query, variables: { input } } = operation("CheckIn");
    const text = "Seen live in the playground.";
    await tryUntil(showsAnswer(text), () => service.ask(query, { input: { ...input, text, idempotencyKey: crypto.randomUUID() } }));
    await shoot(page, "graphiql-live");
    await run();
    assertClean(page);
  });

  test("keeps the tabs over a reload, and no header", async () => {
    const before = await tabs().allTextContents();
    await page.waitForFunction((titles) => { // they are written a moment later
      const kept = JSON.parse(localStorage.getItem("chargegraph-sandbox:graphiql:tabState"));
      return kept.tabs.map((t) => t.title).join() === titles;
    }, before.join());
    const kept = await page.evaluate(() => JSON.stringify(localStorage));
    assert.ok(kept.includes("query Sources") && !kept.includes("from-the-playground"), "headers are kept");
    await page.reload();
    await page.locator(".graphiql-query-editor .view-line").first().waitFor();
    assert.deepEqual(await tabs().allTextContents(), before);
    assertClean(page);
  });

  test("is dark where that is wanted", async () => {
    const dark = await ready({ colorScheme: "dark" });
    const ground = await dark.locator(".graphiql-container").evaluate((e) => getComputedStyle(e).backgroundColor);
    assert.ok(ground.match(/\d+/g).every((part) => part < 100), ground);
    await shoot(dark, "graphiql-dark");
    assertClean(dark);
  });

  test("explains the schema without a key, and asks with one", async () => {
    const made = execFileSync(process.env.CHARGEGRAPH, ["keys", "new", "app"], { encoding: "utf8" });
    const [, key] = made.match(/^ *(app\.\S+)/m);
    const [, apiKeys] = made.match(/auth: \{(apiKeys: .*)\}$/m);
    const closed = await serve(process.env.CHARGEGRAPH, `auth: {required: true, ${apiKeys}}\n`);
    try {
      const locked = await ready({}, closed);
      locked.expected.add(401);
      locked.unwanted.splice(0); // the schema was refused before that was expected
      await locked.getByRole("button", { name: "Show Documentation Explorer" }).click();
      await locked.locator(".graphiql-doc-explorer").getByRole("link", { name: "Query", exact: true }).first().waitFor();
      const press = () => locked.getByRole("button", { name: /^Execute query/ }).click();
      assert.equal((await answerOf(locked, press)).errors[0].extensions.code, "UNAUTHENTICATED");
      await locked.getByRole("button", { name: "Headers" }).click();
      await write("[aria-label=Headers]", JSON.stringify({ Authorization: `Bearer ${key}` }), locked);
      assert.ok((await answerOf(locked, press)).data.pois.edges.length > 0);
      assert.ok(!(await locked.evaluate(() => JSON.stringify(localStorage))).includes(key), "the key is kept");
      assertClean(locked);
    } finally {
      await closed.stop();
    }
  });

  test("fits a phone", async () => {
    const [width, height] = [390, 844];
    const phone = await ready({ viewport: { width, height }, hasTouch: true });
    const widthOf = async (selector) => (await phone.locator(selector).boundingBox()).width;
    const { data } = await answerOf(phone, () => phone.getByRole("button", { name: /^Execute query/ }).tap());
    assert.ok(data.pois.edges.length > 0);
    for (const part of [".graphiql-query-editor", ".graphiql-response", ".graphiql-footer", ".graphiql-sidebar"]) {
      const box = await phone.locator(part).boundingBox();
      assert.ok(box.width === width && box.height >= 36 && box.y + box.height <= height, `${part}: ${JSON.stringify(box)}`);
    }
    await shoot(phone, "graphiql-phone");
    await phone.getByRole("button", { name: "Show Documentation Explorer" }).tap();
    assert.equal(await widthOf(".graphiql-plugin"), width);
    await phone.getByRole("button", { name: "Hide Documentation Explorer" }).tap();
    assert.equal(await widthOf(".graphiql-query-editor"), width);

    // An example that is chosen is seen.
    await phone.getByRole("button", { name: "Show Examples" }).tap();
    await phone.getByRole("region", { name: "Examples" }).getByRole("button", { name: "Viewport" }).tap();
    await phone.getByRole("button", { name: "Show Examples" }).waitFor();
    assert.equal(await widthOf(".graphiql-query-editor"), width);
    assert.equal((await answerOf(phone, () => phone.getByRole("button", { name: /^Execute query/ }).tap())).errors, undefined);
    assertClean(phone);
  });

  test("cannot do what its policy forbids", async () => {
    const other = await ready();
    await other.evaluate(() => {
      const script = document.createElement("script");
      script.textContent = "globalThis.ran = true";
      document.head.append(script);
      fetch("https://elsewhere.example/").catch(() => {});
    });
    assert.equal(await other.evaluate(() => globalThis.ran), undefined);
    await other.waitForFunction(() => true);
    assert.ok(other.unwanted.some((u) => /policy: script-src/.test(u)), other.unwanted.join("\n"));
    assert.ok(other.unwanted.some((u) => /policy: connect-src https:\/\/elsewhere/.test(u)), other.unwanted.join("\n"));
  });
});
