import { utf8Length } from "#platform";
import type { Batch, Event } from "../../../generated/schema.ts";
import { InvalidBatchError } from "../../errors.ts";
import { show } from "../../rules/show.ts";
import { stampEvent } from "../../model/stamp.ts";
import type { UserContext } from "../../model/types.ts";
import { serializeEvent } from "../../transport/json.ts";
import { refuseFor } from "../checks.ts";
import { callUserCode, requireEnvironment, requireObject, type PrepareOptions } from "../prepare.ts";
import type { Addition } from "./admission.ts";
import { FRAME_BYTES, type Context, type EventText } from "./queued-batch.ts";

export interface ReadOptions {
  readonly preparation: PrepareOptions;
  readonly contextOf: (user: UserContext) => Context;
}

/**
 * Reads what was added as it is at this moment: stamped, checked, and as text.
 *
 * @throws InvalidBatchError - when it would be refused, altered or lost as it is.
 */
export function readAdd(user: UserContext, events: readonly Event[], options: ReadOptions): Addition {
  return callUserCode(user, () => read(user, events, options));
}

function read(user: UserContext, events: readonly Event[], { preparation, contextOf }: ReadOptions): Addition {
  requireObject(user, "a user");
  requireEnvironment(user);
  requireNoBatch(user);
  const { check, path, maxBatchBytes } = preparation;
  const context = contextOf(user);
  const stamped = events.map((event) => stampEvent(event));
  if (check !== undefined) refuseFor(check.errorsOf({ ...user, events: stamped }, path), []);
  const emptyBytes = context.bytes + FRAME_BYTES;
  if (emptyBytes >= maxBatchBytes) {
    const message = `it is ${String(emptyBytes)} bytes without any event; expected less than ${String(maxBatchBytes)}.`;
    throw new InvalidBatchError([{ severity: "error", code: "batch-too-large", path: "", message }]);
  }
  let bytes = stamped.length;
  const items = stamped.map((event, index) => {
    const item = toText(event, index, emptyBytes, maxBatchBytes);
    bytes += item.bytes;
    return item;
  });
  return { context, items, bytes };
}

function toText(event: Event, index: number, emptyBytes: number, maxBatchBytes: number): EventText {
  const path = `/events/${String(index)}`;
  let text: string;
  try {
    text = serializeEvent(event);
  } catch (error) {
    if (!(error instanceof InvalidBatchError)) throw error;
    const findings = error.findings.map((finding) => ({ ...finding, path: `${path}${finding.path}` }));
    throw new InvalidBatchError(findings, { cause: error.cause });
  }
  const bytes = utf8Length(text);
  if (emptyBytes + bytes < maxBatchBytes) return { text, bytes };
  const message = `with its user it makes a batch of ${String(emptyBytes + bytes)} bytes; expected less than ${String(maxBatchBytes)}.`;
  throw new InvalidBatchError([{ severity: "error", code: "event-too-large", path, message }]);
}

/** A whole batch fits where a user is expected; its events would be lost. */
function requireNoBatch(user: UserContext): void {
  const { events }: Readonly<Partial<Record<keyof Batch, unknown>>> = user;
  if (events === undefined || events === null) return;
  const message = `it is ${show(events)}; expected none in a user.`;
  const hint = "Pass events after the user. A whole batch goes to `upload` or `uploadBulk`, which keep its id.";
  throw new InvalidBatchError([{ severity: "error", code: "batch-for-user", path: "/events", message, hint }]);
}
