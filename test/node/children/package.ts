/** The package, for a bundle of its own. */
export { EventQueue, EventsClient, customEvent } from "mparticle-events";
export { drainOnExit } from "mparticle-events/node";
