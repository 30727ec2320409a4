// Browsers against leat: main.mjs BUILD SOURCE. Prints TAP; exits 1 when a test failed.
import { mkdtempSync, mkdirSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import path from "node:path";
import { Server, atEnd, browsers, cleanUp, failures, killTree, launch, preparePage, startPages, test, equal, ok } from "./harness.mjs";
import { streamTests } from "./streams.mjs";
import { clickerTests, killTest } from "./clicker.mjs";

const [build, source] = process.argv.slice(2);
const state = mkdtempSync(path.join(tmpdir(), "leat-state-"));
const environment = { XDG_STATE_HOME: state };
const leat = path.join(build, "tools/leat");

async function startServe(args = []) {
  const serve = await new Server(leat, ["serve", "--listen", "127.0.0.1:0", ...args], environment).ready();
  const page = serve.lines.find(({ line }) => line.startsWith("page: "));
  serve.pageUrl = page?.line.split(" ")[1];
  return serve;
}

// The page's address is known before: localhost and a free port, chosen by the system for a moment.
const freePort = async () => {
  const { createServer } = await import("node:net");
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
};

async function servePage(args = []) {
  // "localhost" is both addresses, so both need the same port.
  const [page, port] = [await freePort(), await freePort()];
  const serve = await new Server(leat, ["serve", "--listen", `127.0.0.1:${port}`, "--listen", `[::1]:${port}`, "--page", `localhost:${page}`, ...args], environment).ready();
  serve.pageUrl = `http://localhost:${page}`;
  return serve;
}

async function storeTest(kind) {
  await test(`${kind.name}: with --store the counts survive a restart`, async () => {
    const database = path.join(state, `${kind.name}.db`);
    const browser = await launch(kind);
    const scores = [];
    for (let round = 0; round < 2; round++) {
      const serve = await startServe(["--store", database]);
      const page = await browser.newPage();
      await page.goto(await pages);
      await preparePage(page, serve.hash);
      scores.push(await page.evaluate(async (url) => {
        const transport = await openSession(url);
        const answer = JSON.parse(text(await datagram(transport, JSON.stringify({ type: "increment", username: "kept" }))));
        transport.close();
        return answer.score;
      }, `https://127.0.0.1:${serve.port}/clicker`));
      await page.close();
      const { code } = await serve.stop();
      equal(code, 0, "exit status after SIGTERM");
    }
    equal(scores, [1, 2], "scores");
    await browser.close();
  }, 60000);
}

// A chain from an authority of ours, trusted by the user's certificate database: no hashes, no flags that skip verification.
async function chainTest(kind) {
  await test(`${kind.name}: new WebTransport(url) alone works with a chain from a trusted authority`, async () => {
    const home = mkdtempSync(path.join(tmpdir(), "leat-home-"));
    execFileSync(path.join(source, "tests/browser/authority.sh"), [home], { stdio: ["ignore", "ignore", "inherit"] });
    const serve = await new Server(leat, ["serve", "--listen", "127.0.0.1:0", "--cert", path.join(home, "server.pem"),
      "--key", path.join(home, "server.key")], environment).ready();
    const browser = await launch(kind, { home, args: ["--webtransport-developer-mode"] });
    const page = await browser.newPage();
    await page.goto(await pages);
    await preparePage(page);
    equal(await page.evaluate(async (url) => {
      const transport = await openSession(url);
      const answer = text(await datagram(transport, "chain"));
      transport.close();
      return answer;
    }, `https://127.0.0.1:${serve.port}/counter`), "5");
    await browser.close();
    await serve.stop();
  }, 60000);
}

// A libcrypto from 3.5 on has ML-KEM: then the hybrid group is what a browser and leat have in common.
async function groupTest(kind, browser) {
  const [major, minor] = execFileSync("pkg-config", ["--modversion", "libcrypto"], { encoding: "utf8" }).split(".").map(Number);
  const group = major > 3 || (major === 3 && minor >= 5) ? "X25519MLKEM768" : "X25519";
  await test(`${kind.name}: the key exchange is ${group}`, async () => {
    const serve = await startServe(["-v"]);
    const page = await browser.newPage();
    await page.goto(await pages);
    await preparePage(page, serve.hash);
    await page.evaluate(async (url) => (await openSession(url)).close(), `https://127.0.0.1:${serve.port}/counter`);
    await page.close();
    await serve.stop();
    equal(serve.errors.match(/^handshake: .*$/gm)?.map((line) => line.match(/group=(\S+)/)[1]), [group], "groups");
  });
}

// The samples written on the HTTP/3 events alone: the same page against another server.
async function sampleTests(name, browser) {
  for (const sample of ["counter", "clicker"]) {
    await test(`${name}: the ${sample} written on HTTP/3 events alone answers in all three ways`, async () => {
      const server = await new Server(path.join(build, "examples", sample), ["127.0.0.1:0"], environment).ready();
      const page = await browser.newPage();
      await page.goto(await pages);
      await preparePage(page, server.hash);
      const answers = await page.evaluate(async (url, message) => {
        const transport = await openSession(url);
        const byDatagram = text(await datagram(transport, message));
        const stream = await transport.createBidirectionalStream();
        await writeAll(stream.writable, message);
        const byBidirectional = text(await readAll(stream.readable));
        await writeAll(await transport.createUnidirectionalStream(), message);
        const byUnidirectional = text(await readAll(await first(transport.incomingUnidirectionalStreams)));
        transport.close({ closeCode: 3, reason: "done" });
        return [byDatagram, byBidirectional, byUnidirectional];
      }, `https://127.0.0.1:${server.port}/${sample}`, sample === "counter" ? "hello" : `{"type":"increment","username":"x"}`);
      equal(answers, sample === "counter" ? ["5", "5", "5"] : [1, 2, 3].map((n) => `{"status":200,"score":${n}}`));
      await page.close();
      await server.stop("SIGTERM");
    });
  }
}

const pages = startPages();

for (const kind of browsers) {
  if (!kind.program) {
    console.log(`ok - ${kind.name} # SKIP it is not installed`);
    continue;
  }
  const serve = await servePage();
  const special = await new Server(path.join(build, "tests/browser/special_server"), ["127.0.0.1:0"], environment).ready();
  const browser = await launch(kind);
  await streamTests(kind.name, browser, await pages, serve, special);
  await clickerTests(kind.name, browser, serve);
  await groupTest(kind, browser);
  await sampleTests(kind.name, browser);
  await storeTest(kind);
  if (kind.name === "chromium") await chainTest(kind);
  await killTest(kind.name, browser, serve, killTree);
  await serve.stop();
  await special.stop();
}

await cleanUp();
process.exit(failures > 0 ? 1 : 0);
