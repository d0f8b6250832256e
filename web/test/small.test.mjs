// Our own small page, in a program without the bundle: CHARGEGRAPH_SMALL names it.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { answerOf, assertClean, browse, open, serve, shoot, tryUntil } from "./harness.mjs";

describe("the small page", { timeout: 90_000 }, () => {
  let service, browser, examples, page;
  before(async () => {
    service = await serve(process.env.CHARGEGRAPH_SMALL);
    examples = await service.examples();
    browser = await browse();
    page = await ready();
  });
  after(async () => {
    await browser?.close();
    await service?.stop();
  });

  async function ready(options) {
    const p = await open(browser, service.address, options);
    await p.getByRole("tab").first().waitFor();
    await p.getByRole("heading", { name: "object Query" }).waitFor();
    return p;
  }
  const titled = (title) => examples.find((e) => e.title === title);
  const tab = (name) => page.getByRole("tab", { name, exact: true });
  const run = () => page.getByRole("button", { name: /^(Run|Stop)/ }).click();
  const shows = (text) => page.locator("#response").getByText(text).first().waitFor();

  test("opens with a tab per example and says that the data is made up", async () => {
    assert.equal(await page.title(), "chargegraph playground");
    assert.match(await page.getByRole("note").textContent(), /Made-up data/);
    assert.deepEqual(await page.getByRole("tab").allTextContents(), [...examples.map((e) => e.title), "Your own"]);
    assertClean(page);
  });

  test("shows the answers of all example queries", async () => {
    for (const { title } of examples.filter((e) => /^query/.test(e.query))) {
      await tab(title).click();
      const { status, data, errors } = await answerOf(page, run);
      assert.equal(status, 200, title);
      assert.equal(errors, undefined, title);
      await shows(`"${Object.keys(data)[0]}":`);
      assert.match(await page.getByRole("status").textContent(), /^200 .*kB$/);
    }
    await tab("Nearby").click();
    await answerOf(page, run);
    await shows('"pois":');
    await shoot(page, "small");
    assertClean(page);
  });

  test("leads from an answer to the site in it", async () => {
    await tab("Nearby").click();
    const { data } = await answerOf(page, run);
    const { id } = data.pois.edges[0].node;
    const site = await answerOf(page, () => page.locator("#response").getByRole("button", { name: id }).first().click());
    assert.ok(site.data.poi.title);
    assert.equal(await tab("One site").getAttribute("aria-selected"), "true");
    assert.deepEqual(JSON.parse(await page.getByLabel("Variables").inputValue()), { by: { id } });
    assertClean(page);
  });

  test("shows what is wrong with a query", async () => {
    await tab("Your own").click();
    await page.getByLabel("Query", { exact: true }).and(page.locator("textarea")).fill("{ nonsense }");
    page.expected.add(400);
    const { errors } = await answerOf(page, run);
    assert.match(errors[0].message, /nonsense/);
    await shows(errors[0].extensions.code);
    assert.match(await page.getByRole("status").textContent(), /^400 .*1 error$/);
    await page.getByLabel("Variables").fill("{");
    await run();
    await page.getByRole("status").getByText(/^Variables: /).waitFor();
    await shoot(page, "small-error");
    assertClean(page);
  });

  test("sends the headers that were written, and keeps them nowhere", async () => {
    await tab("Sources").click();
    await page.getByText("Headers", { exact: true }).click();
    await page.getByLabel("Headers (JSON; not kept)").fill('{ "X-Request-Id": "from-the-playground" }');
    const { request } = await answerOf(page, run);
    assert.equal(request.headers()["x-request-id"], "from-the-playground");
    assert.ok(!(await page.evaluate(() => JSON.stringify([localStorage, sessionStorage]))).includes("from-the-playground"), "headers are kept");
    assertClean(page);
  });

  test("explains the schema", async () => {
    await page.getByLabel("Find a type, field or value").fill("powerKw");
    await page.locator("#explorer").getByRole("button", { name: "ConnectionInfo.powerKw" }).click();
    await page.getByRole("heading", { name: "object ConnectionInfo" }).waitFor();
    assertClean(page);
  });

  test("takes a check-in and follows its delivery", async () => {
    await tab("Check-in").click();
    const { data } = await answerOf(page, run);
    assert.deepEqual(data.submitCheckIn.userErrors, []);
    const { id } = data.submitCheckIn.checkIn;
    await shows(id);
    await shoot(page, "small-check-in");
    const delivery = await answerOf(page, () => page.locator("#response").getByRole("button", { name: id }).first().click());
    assert.equal(delivery.data.checkIn.id, id);
    await tab("Delivery, live").click();
    assert.deepEqual(JSON.parse(await page.getByLabel("Variables").inputValue()), { id });
    await run();
    await page.getByRole("status").getByText("received, and no more will come").waitFor();
    await shows("checkInUpdated");
    await shows("DELIVERED");
    assertClean(page);
  });

  test("receives comments as they come", async () => {
    await tab("Comments, live").click();
    await run();
    await page.getByRole("status").getByText("Listening…").waitFor();
    const { query, variables: { input } } = titled("Check-in");
    const text = "Seen live in the small page.";
    await tryUntil(shows(text), () => service.ask(query, { input: { ...input, text, idempotencyKey: crypto.randomUUID() } }));
    await page.getByRole("button", { name: "Stop" }).click();
    await page.getByRole("status").getByText("Stopped").waitFor();
    assertClean(page);
  });

  test("keeps what was written over a reload", async () => {
    await tab("Your own").click();
    await page.getByLabel("Query", { exact: true }).and(page.locator("textarea")).fill("{ sources { id } }");
    await page.reload();
    await page.getByRole("tab").first().waitFor();
    assert.equal(await page.locator("#query").inputValue(), "{ sources { id } }");
    assertClean(page);
  });

  test("fits a phone, and is dark where that is wanted", async () => {
    const phone = await ready({ viewport: { width: 390, height: 844 }, colorScheme: "dark" });
    assert.ok(await phone.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "it is wider than the screen");
    await shoot(phone, "small-phone");
    assertClean(phone);
  });
});
