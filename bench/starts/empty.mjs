/** A process that imports nothing and sends nothing: what all others pay as well. */
import { acknowledged, imported } from "./clock.mjs";
imported();
acknowledged();
