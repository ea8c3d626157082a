import { createBatch, customEvent, EventsClient, type Fetch } from "mparticle-events";
import { recordingFetch } from "mparticle-events/testing";
import { checkBatch } from "mparticle-events/validate";
import { describe, expect, it, vi } from "vitest";
import { consume as consumeKafka } from "../../examples/kafka/consumer.ts";
import { KafkaStandIn } from "../../examples/kafka/stand-in.ts";
import { consume as consumeSqs } from "../../examples/sqs/consumer.ts";
import { SqsStandIn } from "../../examples/sqs/stand-in.ts";

const user = (customer_id: string) =>
  ({ environment: "development", user_identities: { customer_id }, mpid: "9007199254740993" }) as const;

const textOf = (customer_id: string, event: string): string =>
  JSON.stringify(createBatch({ ...user(customer_id), source_request_id: event }, [customEvent(event, "other")]));

const INVALID = JSON.stringify({ environment: "nowhere" });
const REASON = "/environment environment-unknown";
/** None of them is a batch; the first two are no JSON either. */
const UNREADABLE = ["{", "", "null", "5", `"text"`, "[]"];

const clientWith = (fetch: Fetch): EventsClient =>
  new EventsClient({
    apiKey: "key",
    apiSecret: "secret-of-tests",
    fetch,
    validate: checkBatch,
    strict: true,
    // No second attempt: what fails is undelivered at once.
    retry: false,
  });

describe("the example of Kafka", () => {
  const send = async (kafka: KafkaStandIn, key: string, ...values: readonly string[]): Promise<void> => {
    await kafka.send({ messages: values.map((value) => ({ topic: "events", key, value })) });
  };
  const committed = (kafka: KafkaStandIn): readonly bigint[] => [0, 1].map((place) => kafka.committed("events", place));

  it("commits what is accepted or buried, with its reasons, and reads nothing of it again", async () => {
    const kafka = new KafkaStandIn(2);
    await send(kafka, "a", textOf("a", "a:0"), ...UNREADABLE, INVALID, textOf("a", "a:1"));
    await send(kafka, "b", textOf("b", "b:0"), textOf("b", "b:1"));
    const fetch = recordingFetch();
    await consumeKafka(kafka.messages("events"), kafka, clientWith(fetch));
    expect(fetch.accepted().map(({ source_request_id: id }) => id)).toHaveLength(4);
    expect(fetch.accepted().every(({ mpid }) => String(mpid) === "9007199254740993")).toBe(true);
    expect([...committed(kafka)].sort()).toEqual([2n, 9n]);
    const dead = kafka.partitionsOf("events.dead").flat();
    expect(dead).toHaveLength(UNREADABLE.length + 1);
    expect(dead.map(({ value }) => (JSON.parse(value) as { batch: string }).batch).toSorted()).toEqual(
      [...UNREADABLE, INVALID].toSorted(),
    );
    expect(dead.some(({ value }) => value.includes(REASON))).toBe(true);
    await consumeKafka(kafka.messages("events"), kafka, clientWith(fetch));
    expect(fetch.accepted()).toHaveLength(4);
  });

  it("ends at the first batch that is not delivered and commits nothing behind it; the next start keeps the order", async () => {
    const kafka = new KafkaStandIn(2);
    const numbers = Array.from({ length: 12 }, (_, number) => number);
    for (const number of numbers) {
      for (const name of ["a", "b", "c", "d"]) await send(kafka, name, textOf(name, `${name}:${String(number)}`));
    }
    const arrived = new Map<string, number[]>();
    let requests = 0;
    const fetch: Fetch = async (request) => {
      if (++requests % 3 === 0) throw new TypeError("fetch failed");
      const body = (await request.json()) as readonly { readonly source_request_id: string }[];
      for (const { source_request_id } of body) {
        const [name = "", number = ""] = source_request_id.split(":");
        const known = arrived.get(name) ?? [];
        if (!known.includes(Number(number))) arrived.set(name, [...known, Number(number)]);
      }
      return new Response(null, { status: 202 });
    };
    let ends = 0;
    const isOver = (): Promise<boolean> =>
      consumeKafka(kafka.messages("events"), kafka, clientWith(fetch)).then(
        () => true,
        () => false,
      );
    while (ends < 100 && !(await isOver())) ends++;
    expect(ends).toBeGreaterThan(0);
    expect(arrived).toEqual(new Map(["a", "b", "c", "d"].map((name) => [name, numbers])));
    expect(committed(kafka).reduce((sum, offset) => sum + offset)).toBe(48n);
  });
});

describe("the example of SQS", () => {
  const queues = { queueUrl: "events", deadUrl: "dead", visibilitySeconds: 60, comeBackSeconds: 0.02 };
  const consumeUntil = async (sqs: SqsStandIn, client: EventsClient, isDone: () => boolean): Promise<void> => {
    const stop = new AbortController();
    const consuming = consumeSqs(sqs, queues, client, stop.signal);
    await vi.waitFor(() => {
      expect(isDone()).toBe(true);
    });
    stop.abort();
    sqs.isEnding = true;
    await consuming;
  };

  it("deletes what is accepted, and buries with its reasons what is rejected", async () => {
    const sqs = new SqsStandIn();
    for (const MessageBody of [...UNREADABLE, INVALID]) await sqs.sendMessage({ QueueUrl: "events", MessageBody });
    for (let number = 0; number < 25; number++) {
      await sqs.sendMessage({ QueueUrl: "events", MessageBody: textOf("a", `a:${String(number)}`) });
    }
    const fetch = recordingFetch();
    await consumeUntil(sqs, clientWith(fetch), () => sqs.bodiesOf("events").length === 0);
    expect(fetch.accepted()).toHaveLength(25);
    const dead = sqs.bodiesOf("dead");
    expect(dead).toHaveLength(UNREADABLE.length + 1);
    expect(dead.some((body) => body.includes(REASON))).toBe(true);
  });

  it("lets what was not delivered come back, and sends it with its id", async () => {
    const sqs = new SqsStandIn();
    await sqs.sendMessage({ QueueUrl: "events", MessageBody: textOf("a", "a:0") });
    const bodies: string[] = [];
    const fetch: Fetch = async (request) => {
      bodies.push(await request.text());
      if (bodies.length < 3) throw new TypeError("fetch failed");
      return new Response(null, { status: 202 });
    };
    await consumeUntil(sqs, clientWith(fetch), () => sqs.bodiesOf("events").length === 0);
    expect(bodies).toHaveLength(3);
    expect(new Set(bodies).size).toBe(1);
    expect(sqs.bodiesOf("dead")).toEqual([]);
  });
});
