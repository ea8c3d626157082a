/** The program as a script of an edge runtime, which its host reads the facts of. */
import { play } from "./program.ts";

/** Of the service; put in when the script is bundled. */
declare const ORIGIN: string;

export const facts = play(ORIGIN);
