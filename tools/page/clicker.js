// The clicker page: one WebTransport session, three ways to click, and a log of what happens to the session.
// The connection is an object of its own; the page only reacts to what it reports.

const byId = (id) => document.getElementById(id);
const encoder = new TextEncoder();

// ---- the log ----

const severities = { ready: "success", data: "info", draining: "warning", closed: "info", broken: "error", error: "error" };

function log(kind, text) {
  const line = document.createElement("li");
  line.dataset.kind = kind;
  line.dataset.severity = severities[kind] ?? "info";
  line.textContent = `${new Date().toLocaleTimeString()}  ${kind}: ${text}`;
  byId("log").append(line);
  byId("log").scrollTop = byId("log").scrollHeight;
}

function clearLog() {
  byId("log").replaceChildren();
}

// ---- messages: JSON objects one after the other, cut anywhere ----

// Splits text into whole JSON objects; what is left waits for more.
function makeSplitter(onMessage) {
  const decoder = new TextDecoder();
  let text = "";
  return (chunk) => {
    text += decoder.decode(chunk, { stream: true });
    for (let end; (end = endOfObject(text)) > 0; ) {
      onMessage(JSON.parse(text.slice(0, end)));
      text = text.slice(end);
    }
  };
}

// The index after the closing brace of the object at the start of text, or 0.
function endOfObject(text) {
  let depth = 0, inString = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (inString) {
      if (c === "\\") i++;
      else if (c === '"') inString = false;
    } else if (c === '"') inString = true;
    else if (c === "{") depth++;
    else if (c === "}" && --depth === 0) return i + 1;
  }
  return 0;
}

// ---- the session ----

// The server's own certificate changes every few days: the page asks for its current hash at each connect.
async function certificateHashes() {
  const response = await fetch("certificate-hash", { cache: "no-store" }).catch(() => null);
  if (!response || !response.ok) return [];
  const hash = (await response.text()).trim();
  return hash ? [{ algorithm: "sha-256", value: Uint8Array.from(atob(hash), (c) => c.charCodeAt(0)) }] : [];
}

class Session {
  constructor(transport, report) {
    this.transport = transport;
    this.report = report;
    this.datagrams = transport.datagrams.createWritable?.() ?? transport.datagrams.writable;
    this.datagramWriter = this.datagrams.getWriter();
    this.readDatagrams();
    this.acceptUnidirectional();
    transport.draining?.then(() => report("draining", "the server asks to finish soon"), () => {});
  }

  static async open(url, report) {
    const hashes = await certificateHashes();
    const transport = new WebTransport(url, hashes.length ? { serverCertificateHashes: hashes } : {});
    transport.closed.catch(() => {}); // its end is reported below, or by ready
    await transport.ready;
    return new Session(transport, report);
  }

  // Resolves when the session is over: "closed" with code and reason, or "broken" with what happened.
  async ended() {
    try {
      const { closeCode, reason } = await this.transport.closed;
      return { kind: "closed", text: `code ${closeCode ?? 0}, reason "${reason ?? ""}"` };
    } catch (error) {
      return { kind: "broken", text: String(error?.message ?? error) };
    }
  }

  close(closeCode, reason) {
    this.transport.close({ closeCode, reason });
  }

  async readAll(readable, channel) {
    const split = makeSplitter((message) => this.report("data", message, channel));
    for await (const chunk of chunks(readable)) split(chunk);
  }

  async readDatagrams() {
    for await (const chunk of chunks(this.transport.datagrams.readable)) {
      makeSplitter((message) => this.report("data", message, "datagram"))(chunk);
    }
  }

  async acceptUnidirectional() {
    for await (const stream of chunks(this.transport.incomingUnidirectionalStreams)) {
      this.readAll(stream, "unidirectional");
    }
  }

  async clickByDatagram(message) {
    await this.datagramWriter.write(encoder.encode(message));
  }

  // One stream for all clicks: answers may come several in one chunk.
  async clickByBidirectional(message) {
    if (!this.bidirectional) {
      this.bidirectional = this.transport.createBidirectionalStream().then((stream) => {
        this.readAll(stream.readable, "bidirectional");
        return stream.writable.getWriter();
      });
    }
    await (await this.bidirectional).write(encoder.encode(message));
  }

  async clickByUnidirectional(message) {
    const stream = await this.transport.createUnidirectionalStream();
    const writer = stream.getWriter();
    await writer.write(encoder.encode(message));
    await writer.close();
  }
}

// A readable stream as an async iterable that ends quietly when the session does.
async function* chunks(readable) {
  const reader = readable.getReader();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch {
    // The end of the session is reported once, by `ended`.
  }
}

// ---- the page ----

const firstDelay = 500, longestDelay = 16000; // milliseconds between attempts after failures
const clicks = { "click-datagram": "clickByDatagram", "click-bidirectional": "clickByBidirectional", "click-unidirectional": "clickByUnidirectional" };

let session = null;
let failures = 0;

function show(state, text) {
  byId("status").dataset.state = state;
  byId("status").textContent = text;
  const isReady = state === "ready" || state === "draining";
  for (const id of Object.keys(clicks)) byId(id).disabled = !isReady;
  byId("disconnect").disabled = !isReady;
  byId("address").disabled = byId("user").disabled = isReady || state === "connecting";
  byId("connect").disabled = isReady || state === "connecting" || state === "waiting";
}

function onReport(kind, message, channel) {
  if (kind !== "data") {
    log(kind, message);
    show("draining", "draining");
    return;
  }
  if (message.status === 200) byId("score").value = message.score;
  log("data", `${JSON.stringify(message)} by ${channel}`);
}

// After a failure the button waits before it can be pressed again, twice as long each time.
function waitBeforeReconnect() {
  const delay = Math.min(longestDelay, firstDelay * 2 ** failures);
  failures++;
  show("waiting", `reconnect possible in ${delay / 1000} s`);
  setTimeout(() => {
    if (!session) show("broken", "not connected");
  }, delay);
}

async function connect() {
  clearLog();
  byId("score").value = "-";
  show("connecting", "connecting ...");
  const url = new URL(byId("address").value);
  url.searchParams.set("user", byId("user").value);
  try {
    session = await Session.open(url.href, onReport);
  } catch (error) {
    byId("connect").textContent = "Reconnect";
    log("broken", `could not connect: ${error?.message ?? error}`);
    waitBeforeReconnect();
    return;
  }
  failures = 0;
  byId("connect").textContent = "Reconnect";
  log("ready", url.href);
  show("ready", "ready");
  const end = await session.ended();
  session = null;
  log(end.kind, end.text);
  if (end.kind === "broken") waitBeforeReconnect();
  else show("idle", "closed");
}

byId("connection").addEventListener("submit", (event) => {
  event.preventDefault();
  connect();
});

byId("disconnect").addEventListener("click", () => session?.close(0, "disconnect"));

for (const [id, method] of Object.entries(clicks)) {
  byId(id).addEventListener("click", async () => {
    const message = JSON.stringify({ type: "increment", username: byId("user").value });
    try {
      await session?.[method](message);
    } catch (error) {
      log("error", `the click was not sent: ${error?.message ?? error}`);
    }
  });
}

// A page that goes away says so: some browsers keep a connection alive for a tab that is long gone.
addEventListener("pagehide", () => session?.close(0, "pagehide"));

byId("address").value = `https://localhost:${new URLSearchParams(location.search).get("port") ?? 4433}/clicker`;
fetch("server-url").then(async (response) => {
  if (response.ok) byId("address").value = await response.text();
}).catch(() => {});
show("idle", "not connected");
