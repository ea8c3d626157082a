import { build } from "./packed.ts";

await build();
