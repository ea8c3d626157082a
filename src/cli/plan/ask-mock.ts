import type { Terminal } from "../terminal.ts";
import { messageOf, UsageError } from "../usage-error.ts";
import { readJson } from "../input/read-json.ts";

const TIMEOUT_MS = 30_000;

/** What a mock has kept of what arrived at it. */
export interface KeptByMock {
  readonly batches: readonly { readonly batch: unknown; readonly isAccepted: boolean }[];
  /** As many as arrived since its start or its last reset. */
  readonly total: number;
}

/** Whether an input is the address of a mock, and no file. */
export function isMockAddress(input: string): boolean {
  return /^https?:\/\//i.test(input);
}

/**
 * The batches that a running mock has kept, accepted or not, oldest first.
 *
 * @param address - such as `http://127.0.0.1:4010`, with or without its `/v2`; filters behind a `?` are the mock's own.
 * @throws UsageError - when nothing answers there, or something that is no mock.
 */
export async function askMock(address: string, terminal: Terminal): Promise<KeptByMock> {
  const url = allOf(address);
  const get = terminal.fetch ?? globalThis.fetch;
  let status: number;
  let text: string;
  try {
    const response = await get(new Request(url, { redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS) }));
    status = response.status;
    text = await response.text();
  } catch (cause) {
    const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
    throw new UsageError(
      `${address}: no mock answers: ${messageOf(inner)}.`,
      "Start one by mparticle-events mock, and give the address that it tells.",
      { cause },
    );
  }
  const read = readJson(text);
  const answer = read.kind === "value" ? membersOf(read.value) : {};
  if (status === 400) throw new UsageError(`${address}: ${refusalIn(answer)}`, "Mend what is behind the ?.");
  const { total, batches } = answer;
  if (status !== 200 || typeof total !== "number" || !Array.isArray(batches)) {
    throw new UsageError(
      `${address}: what answers there is no mock of this package (${String(status)}).`,
      "Give the address that mparticle-events mock tells, such as http://127.0.0.1:4010.",
    );
  }
  return { total, batches: (batches as readonly unknown[]).map(keptIn) };
}

function keptIn(given: unknown): KeptByMock["batches"][number] {
  const { batch, verdict } = membersOf(given);
  return { batch, isAccepted: verdict !== "refused" && verdict !== "failed" };
}

function allOf(address: string): URL {
  if (!URL.canParse(address)) {
    throw new UsageError(`${address}: it is no address.`, "Write it as http://127.0.0.1:4010.");
  }
  const { origin, search } = new URL(address);
  return new URL(`/_/all${search}`, origin);
}

function refusalIn({ errors }: Members): string {
  const [first] = Array.isArray(errors) ? (errors as readonly unknown[]) : [];
  const { message } = membersOf(first);
  return typeof message === "string" ? message : "the mock refuses the question.";
}

type Members = Readonly<Record<string, unknown>>;

function membersOf(value: unknown): Members {
  return typeof value === "object" && value !== null ? (value as Members) : {};
}
