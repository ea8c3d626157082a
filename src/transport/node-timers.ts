/**
 * The timers of Node as they are when this is loaded. Fake timers of a test put others in their place, in which no time
 * passes until the test says so: without these, a request of the application under test would never leave.
 */
export const { clearTimeout, setImmediate, setTimeout } = process.getBuiltinModule("node:timers");
