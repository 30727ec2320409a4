// The demo page as a user sees it: fields, buttons, score, log, and what the server prints when the user goes away.
import { test, equal, ok, sleep } from "./harness.mjs";

const textOf = (page, selector) => page.$eval(selector, (element) => element.textContent);
const scoreOf = (page) => page.$eval("#score", (element) => element.value);
const waitForState = (page, state) => page.waitForFunction((wanted) => document.getElementById("status").dataset.state === wanted, { timeout: 10000 }, state);
const waitForScore = (page, score) => page.waitForFunction((wanted) => document.getElementById("score").value === wanted, { timeout: 5000 }, String(score));

async function openPage(browser, serve, user) {
  const page = await browser.newPage();
  await page.goto(serve.pageUrl);
  await page.waitForFunction((port) => document.getElementById("address").value.includes(`:${port}/`), { timeout: 5000 }, serve.port);
  await page.$eval("#user", (element, name) => { element.value = name; }, user);
  return page;
}

async function connect(page) {
  await page.click("#connect");
  await waitForState(page, "ready");
}

const ending = (user) => new RegExp(`^session-closed id=\\d+ path=/clicker user="${user}" origin=http://localhost:\\d+ cause=capsule code=0 reason="[a-z]*" clean=yes$`);

export async function clickerTests(name, browser, serve) {
  await test(`${name}: the page counts clicks by datagram, bidirectional and unidirectional stream`, async () => {
    const page = await openPage(browser, serve, `${name}-1`);
    ok(await page.$eval("#click-datagram", (button) => button.disabled), "the buttons are disabled before the session is ready");
    await connect(page);
    ok(!(await page.$eval("#click-datagram", (button) => button.disabled)), "the buttons are enabled when the session is ready");
    let score = 0;
    for (const id of ["#click-datagram", "#click-bidirectional", "#click-unidirectional", "#click-bidirectional"]) {
      await page.click(id);
      await waitForScore(page, ++score);
    }
    const log = await textOf(page, "#log");
    ok(log.includes("ready:") && log.includes(`{"status":200,"score":4} by bidirectional`), `the log tells it: ${log}`);
    await page.close();
  });

  await test(`${name}: answers that arrive together are all counted`, async () => {
    const page = await openPage(browser, serve, `${name}-2`);
    await connect(page);
    await page.evaluate(() => { for (let i = 0; i < 20; i++) document.getElementById("click-bidirectional").click(); });
    await waitForScore(page, 20);
    await page.close();
  });

  await test(`${name}: Disconnect is printed by the server within a second, with path and user`, async () => {
    const page = await openPage(browser, serve, `${name}-3`);
    await connect(page);
    const mark = serve.mark;
    await page.click("#disconnect");
    await serve.line(new RegExp(ending(`${name}-3`).source.replace("[a-z]*", "disconnect")), { from: mark, limit: 1000 });
    await waitForState(page, "idle");
    ok((await textOf(page, "#log")).includes(`closed: code 0, reason "disconnect"`), "the log tells code and reason");
    equal(await textOf(page, "#connect"), "Reconnect", "the button");
    await connect(page);
    await page.close();
  });

  const departures = {
    "closing the tab": async (page) => page.close(),
    "reloading": async (page) => { await page.reload(); await page.close(); },
    "navigating away": async (page) => { await page.goto("about:blank"); await page.close(); },
  };
  for (const [what, leave] of Object.entries(departures)) {
    await test(`${name}: ${what} is printed by the server within a second`, async () => {
      const user = `${name}-${what.replaceAll(" ", "-")}`;
      const page = await openPage(browser, serve, user);
      await connect(page);
      const mark = serve.mark;
      const left = leave(page);
      await serve.line(ending(user), { from: mark, limit: 1000 });
      await left;
    });
  }

  await test(`${name}: a failed connection is told in the log, and Reconnect waits longer each time`, async () => {
    const page = await openPage(browser, serve, `${name}-4`);
    await page.$eval("#address", (element) => { element.value = "https://localhost:9/clicker"; });
    const waits = [];
    for (let i = 0; i < 2; i++) {
      await page.waitForFunction(() => !document.getElementById("connect").disabled, { timeout: 20000 });
      await page.click("#connect");
      await page.waitForFunction(() => /reconnect possible in/.test(document.getElementById("status").textContent), { timeout: 30000 });
      waits.push(Number((await textOf(page, "#status")).match(/in ([\d.]+) s/)[1]));
    }
    ok(waits[1] > waits[0], `the second wait is longer: ${waits}`);
    ok((await textOf(page, "#log")).includes("broken: could not connect"), "the log tells it");
    await page.close();
  }, 60000);
}

// The last one for a browser: it does not survive.
export async function killTest(name, browser, serve, kill) {
  await test(`${name}: a killed browser is noticed within the liveness limit`, async () => {
    const page = await openPage(browser, serve, `${name}-killed`);
    await connect(page);
    await sleep(300);
    const mark = serve.mark;
    const killedAt = performance.now();
    kill(browser.process().pid);
    const { line, at } = await serve.line(/^session-closed .*-killed" .*$/, { from: mark, limit: 4000 });
    ok(/cause=timeout code=0 reason="" clean=no$/.test(line), line);
    ok(at - killedAt < 3300, `noticed after ${Math.round(at - killedAt)} ms`);
  });
}
