/** The copy of an object that was completed, and what the object said at that time. */
interface Memory {
  readonly said: readonly unknown[];
  readonly completed: object;
}

/** Weak, because an object that nobody can hand over again need not be remembered. */
const memories = new WeakMap<object, Memory>();

/**
 * What `complete` makes of an object, and made of it before if the object still says the same. One that was changed is
 * another thing under the same address: with the ids it had, the service would drop it as a repetition.
 */
export function completeOnce<Completed extends object>(object: Completed, complete: () => Completed): Completed {
  const said = readContent(object);
  const known = memories.get(object);
  // What is remembered of an object was made of it.
  if (known !== undefined && said !== undefined && isSame(known.said, said)) return known.completed as Completed;
  const completed = complete();
  if (said !== undefined) memories.set(object, { said, completed });
  return completed;
}

/** A batch that was accepted and is handed over again, as a heartbeat is, is meant to be sent again. */
export function forgetStamps(batch: object): void {
  memories.delete(batch);
}

/** Tells an object from a list of as many members, and both from any value. */
const LIST = Symbol("list");
const OBJECT = Symbol("object");

/**
 * Everything a value says on the wire, flat and in order, so that two readings can be compared item by item. Costs no
 * more than writing it as JSON, and shares its strings.
 *
 * @returns `undefined` when reading it throws, as a cycle, a getter or a `toJSON` may: serialising it names the fault.
 */
function readContent(value: unknown): readonly unknown[] | undefined {
  const content: unknown[] = [];
  try {
    read(value, content);
  } catch {
    return undefined;
  }
  return content;
}

function read(value: unknown, content: unknown[]): void {
  if (!isObject(value)) {
    content.push(value);
  } else if (Array.isArray(value)) {
    content.push(LIST, value.length);
    for (const item of value) read(item, content);
  } else if (speaksForItself(value)) {
    read(value.toJSON(), content);
  } else {
    const names = Object.keys(value);
    content.push(OBJECT, names.length);
    for (const name of names) {
      content.push(name);
      read(value[name], content);
    }
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

/** Such as a Date, which has no members and says something all the same. */
function speaksForItself(value: object): value is { toJSON: () => unknown } {
  return "toJSON" in value && typeof value.toJSON === "function";
}

function isSame(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((item, index) => Object.is(item, other[index]));
}
