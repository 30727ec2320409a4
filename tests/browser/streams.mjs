// Datagrams, streams of every kind, big echoes, and endings with their values: the same in every browser.
import { test, equal, ok, preparePage } from "./harness.mjs";

export async function streamTests(name, browser, pages, serve, special) {
  const page = await browser.newPage();
  await page.goto(pages);
  await preparePage(page, serve.hash, special.hash);
  const url = (path, server = serve) => `https://127.0.0.1:${server.port}${path}`;

  await test(`${name}: a datagram to /counter is answered by its length`, async () => {
    equal(await page.evaluate(async (u) => {
      const transport = await openSession(u);
      const answer = text(await datagram(transport, "twelve bytes"));
      transport.close();
      return answer;
    }, url("/counter")), "12");
  });

  await test(`${name}: a bidirectional stream to /counter is answered on itself`, async () => {
    equal(await page.evaluate(async (u) => {
      const transport = await openSession(u);
      const stream = await transport.createBidirectionalStream();
      await writeAll(stream.writable, "x".repeat(5000));
      const answer = text(await readAll(stream.readable));
      transport.close();
      return answer;
    }, url("/counter")), "5000");
  });

  await test(`${name}: a unidirectional stream to /counter is answered on a new one`, async () => {
    equal(await page.evaluate(async (u) => {
      const transport = await openSession(u);
      await writeAll(await transport.createUnidirectionalStream(), "hello");
      const answer = text(await readAll(await first(transport.incomingUnidirectionalStreams)));
      transport.close();
      return answer;
    }, url("/counter")), "5");
  });

  await test(`${name}: the server's bidirectional stream arrives and is answered`, async () => {
    const answers = await page.evaluate(async (u) => {
      const transport = await openSession(u);
      const stream = await first(transport.incomingBidirectionalStreams);
      const greeting = text(await first(stream.readable));
      await writeAll(stream.writable, "from the page");
      const rest = text(await readAll(stream.readable));
      transport.close();
      return [greeting, rest];
    }, url("/server-stream", special));
    equal(answers, ["from the server", "heard: from the page"]);
  });

  await test(`${name}: 1 MiB comes back on a bidirectional stream`, async () => {
    ok(await page.evaluate(async (u) => {
      const transport = await openSession(u);
      const stream = await transport.createBidirectionalStream();
      const data = pattern(1 << 20);
      const [, back] = await Promise.all([writeAll(stream.writable, data), readAll(stream.readable)]);
      transport.close();
      return same(data, back);
    }, url("/echo")), "the bytes differ");
  });

  await test(`${name}: 1 MiB comes back on unidirectional streams`, async () => {
    ok(await page.evaluate(async (u) => {
      const transport = await openSession(u);
      const data = pattern(1 << 20);
      const answer = first(transport.incomingUnidirectionalStreams).then(readAll);
      await writeAll(await transport.createUnidirectionalStream(), data);
      const back = await answer;
      transport.close();
      return same(data, back);
    }, url("/echo")), "the bytes differ");
  });

  await test(`${name}: 1 MiB of the server comes back to it from the page`, async () => {
    const mark = special.mark;
    await page.evaluate(async (u) => {
      const transport = await openSession(u);
      const stream = await first(transport.incomingBidirectionalStreams);
      await stream.readable.pipeTo(stream.writable);
      await transport.closed;
    }, url("/server-echo", special));
    await special.line(/^echoed 1048576 bytes, all right$/, { from: mark });
  });

  await test(`${name}: close(7, "bye") of the page reaches the server with both values`, async () => {
    const mark = serve.mark;
    await page.evaluate(async (u) => {
      const transport = await openSession(u);
      transport.close({ closeCode: 7, reason: "bye" });
    }, url("/counter"));
    await serve.line(/^session-closed id=\d+ path=\/counter user="" origin=http:\/\/localhost:\d+ cause=capsule code=7 reason="bye" clean=yes$/,
      { from: mark, limit: 1000 });
  });

  await test(`${name}: the server's close reaches the page with both values`, async () => {
    equal(await page.evaluate(async (u) => {
      const transport = await openSession(u);
      const { closeCode, reason } = await transport.closed;
      return { closeCode, reason };
    }, url("/close", special)), { closeCode: 7, reason: "bye" });
  });

  await test(`${name}: an unknown path is refused`, async () => {
    equal(await page.evaluate(async (u) => {
      try { await openSession(u); return "open"; } catch { return "refused"; }
    }, url("/nowhere")), "refused");
  });

  await test(`${name}: a closed tab is told to the server within a second`, async () => {
    const tab = await browser.newPage();
    await tab.goto(pages);
    await preparePage(tab, serve.hash);
    await tab.evaluate(async (u) => {
      window.kept = await openSession(u);
      addEventListener("pagehide", () => kept.close({ closeCode: 5, reason: "pagehide" }));
    }, url("/counter"));
    const mark = serve.mark;
    await tab.close();
    await serve.line(/^session-closed .* cause=capsule code=(0 reason=""|5 reason="pagehide") clean=yes$/, { from: mark, limit: 1000 });
  });

  await page.close();
}
