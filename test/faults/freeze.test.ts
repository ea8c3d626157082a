import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { startFakeServer } from "mparticle-events/testing";
import { afterEach, describe, expect, it } from "vitest";
import { bundleChild } from "../bundle-child.ts";
import { full } from "../full.ts";

const MAX_ELAPSED_MS = full(1_000, 2_000);
/** However long it really is: longer than the upload has time. */
const FROZEN_MS = 2 * MAX_ELAPSED_MS;

/** What it finds when it goes on. */
const ANSWERS = [
  ["its connection is reset", "reset"],
  ["the service fails", 503],
] as const;

const freezing = await bundleChild(new URL("children/freezing.ts", import.meta.url));

let child: ChildProcess | undefined;

afterEach(() => {
  // A process that is stopped does not hear of anything else.
  child?.kill("SIGKILL");
});

/** Uploads one batch from a process of its own, and says what became of it. */
async function uploadFromChild(url: string): Promise<unknown> {
  child = fork(freezing, [url, String(MAX_ELAPSED_MS)], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  let said = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (said += text));
  await once(child, "close");
  return JSON.parse(said);
}

// There are no such signals on Windows.
describe.runIf(process.platform !== "win32")("a process that is frozen with its only request in flight", () => {
  it.each(ANSWERS.slice(0, full(1, ANSWERS.length)))(
    "for longer than the upload has time makes another attempt when it goes on: %s",
    async (_, step) => {
      await using server = await startFakeServer({
        script: async ({ index }) => {
          if (index > 0) return 202;
          child?.kill("SIGSTOP");
          await sleep(FROZEN_MS);
          // It goes on once the answer is on its way.
          setImmediate(() => child?.kill("SIGCONT"));
          return step;
        },
      });
      expect(await uploadFromChild(server.url)).toEqual({ status: 202, attempts: 2 });
      expect(server.requests.map(({ batches }) => batches[0]?.source_request_id)).toEqual(["frozen", "frozen"]);
      expect(server.counts().acceptedEventsOnce).toBe(1);
    },
  );
});
