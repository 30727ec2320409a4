// What the browser tests share: TAP, processes of ours, browsers, and a page that runs what a test wants.
import { spawn, execFileSync } from "node:child_process";
import { readFileSync, readdirSync, mkdtempSync, rmSync, existsSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import puppeteer from "puppeteer-core";

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// ---- TAP ----

let number = 0;
export let failures = 0;

export async function test(name, body, limit = 30000) {
  number++;
  let timer;
  const deadline = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`no result after ${limit} ms`)), limit); });
  try {
    await Promise.race([body(), deadline]);
    console.log(`ok ${number} - ${name}`);
  } catch (error) {
    failures++;
    console.log(`not ok ${number} - ${name}`);
    console.error(`${name}: ${error?.stack ?? error}`);
  } finally {
    clearTimeout(timer);
  }
}

export function equal(actual, expected, what = "value") {
  const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: got ${a}, expected ${b}`);
}

export function ok(condition, what) {
  if (!condition) throw new Error(what);
}

// ---- processes ----

const cleanups = [];
export const atEnd = (cleanup) => cleanups.push(cleanup);
export async function cleanUp() {
  for (const cleanup of cleanups.reverse()) await cleanup();
}

// A server of ours: lines of stdout can be waited for.
export class Server {
  constructor(program, args, environment = {}) {
    this.lines = [];
    this.waiters = [];
    this.process = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...environment } });
    this.exited = new Promise((resolve) => this.process.on("exit", (code, signal) => resolve({ code, signal })));
    let rest = "";
    this.process.stdout.on("data", (chunk) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop();
      for (const line of lines) this.take(line);
    });
    this.errors = "";
    this.process.stderr.on("data", (chunk) => {
      this.errors += chunk;
      process.stderr.write(chunk);
    });
    atEnd(() => this.stop("SIGKILL"));
  }

  take(line) {
    this.lines.push({ line, at: performance.now() });
    this.waiters = this.waiters.filter((waiter) => !waiter());
  }

  // The first line from index `from` on that matches.
  line(pattern, { from = 0, limit = 5000 } = {}) {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.lines.slice(from).find(({ line }) => pattern.test(line));
        if (found) { clearTimeout(timer); resolve(found); }
        return Boolean(found);
      };
      const timer = setTimeout(() => reject(new Error(`no line ${pattern} within ${limit} ms; the last ones: ${
        JSON.stringify(this.lines.slice(-5).map(({ line }) => line))}`)), limit);
      if (!look()) this.waiters.push(look);
    });
  }

  get mark() { return this.lines.length; }

  async ready() {
    const listening = await this.line(/^listening: /);
    this.port = Number(listening.line.match(/:(\d+)$/)[1]);
    this.hash = (await this.line(/^certificate-hash: /)).line.split(" ")[1];
    return this;
  }

  async stop(signal = "SIGTERM") {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill(signal);
    return this.exited;
  }
}

// ---- a page of our own on http://localhost ----

const html = `<!doctype html><title>test</title><body></body>`;
export async function startPages() {
  const server = createServer((_, response) => response.writeHead(200, { "content-type": "text/html" }).end(html));
  await new Promise((resolve) => server.listen(0, "localhost", resolve));
  atEnd(() => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); }));
  return `http://localhost:${server.address().port}`;
}

// ---- browsers ----

const chromiumFlags = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync",
  "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage"];

export function which(names) {
  for (const name of names) {
    try { return execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim(); } catch { /* the next */ }
  }
  return null;
}

export const browsers = [
  { name: "chromium", program: which(["chromium", "chromium-browser"]), options: { args: chromiumFlags } },
  { name: "firefox", program: which(["firefox-esr", "firefox"]), options: { browser: "firefox", protocol: "webDriverBiDi" } },
];

export async function launch(kind, { args = [], home } = {}) {
  const profile = mkdtempSync(path.join(tmpdir(), "leat-browser-"));
  const browser = await puppeteer.launch({
    headless: true, executablePath: kind.program, userDataDir: profile, protocolTimeout: 60000,
    ...kind.options, args: [...(kind.options.args ?? []), ...args], env: { ...process.env, HOME: home ?? profile, MOZ_DISABLE_CONTENT_SANDBOX: "1" },
  });
  atEnd(async () => {
    await Promise.race([browser.close().catch(() => {}), sleep(3000)]);
    killTree(browser.process()?.pid);
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  });
  return browser;
}

function childrenOf(pid) {
  const children = [];
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry) || !existsSync(`/proc/${entry}/stat`)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
      if (Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === pid) children.push(Number(entry));
    } catch { /* it is gone already */ }
  }
  return children;
}

// A browser is a tree of processes: all of it gets the signal, the roots first.
export function killTree(pid, signal = "SIGKILL") {
  if (!pid) return;
  const all = [pid];
  for (let i = 0; i < all.length; i++) all.push(...childrenOf(all[i]));
  for (const one of all) {
    try { process.kill(one, signal); } catch { /* it is gone already */ }
  }
}

// ---- what runs in the page ----

// Defines openSession(url) -> a WebTransport that is ready, trusting the hashes, and helpers for whole streams.
export async function preparePage(page, ...hashes) {
  await page.evaluate((texts) => {
    const hashes = texts.map((text) => ({ algorithm: "sha-256", value: Uint8Array.from(atob(text), (c) => c.charCodeAt(0)) }));
    window.openSession = async (url) => {
      const transport = new WebTransport(url, hashes.length ? { serverCertificateHashes: hashes } : {});
      transport.closed.catch(() => {});
      await transport.ready;
      return transport;
    };
    window.readAll = async (readable) => {
      const parts = [];
      const reader = readable.getReader();
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        parts.push(value);
      }
      return new Uint8Array(await new Blob(parts).arrayBuffer());
    };
    window.writeAll = async (writable, data) => {
      const writer = writable.getWriter();
      await writer.write(typeof data === "string" ? new TextEncoder().encode(data) : data);
      await writer.close();
    };
    window.text = (array) => new TextDecoder().decode(array);
    window.first = async (readable) => {
      const reader = readable.getReader();
      const { value } = await reader.read();
      reader.releaseLock();
      return value;
    };
    window.datagram = async (transport, data) => {
      const writable = transport.datagrams.createWritable?.() ?? transport.datagrams.writable;
      const writer = writable.getWriter();
      await writer.write(typeof data === "string" ? new TextEncoder().encode(data) : data);
      writer.releaseLock();
      return first(transport.datagrams.readable);
    };
    window.pattern = (length) => {
      const data = new Uint8Array(length);
      for (let i = 0; i < length; i++) data[i] = (i * 31 + (i >> 8)) & 255;
      return data;
    };
    window.same = (a, b) => a.length === b.length && a.every((byte, i) => byte === b[i]);
  }, hashes);
}
