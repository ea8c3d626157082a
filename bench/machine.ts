import { cpus, totalmem, type } from "node:os";
import { join } from "node:path";
import { MODULES, peers, readManifest } from "./packages.ts";

/** What the figures were measured on and with: they mean nothing without. */
export function describeMachine(): readonly string[] {
  const processors = cpus();
  const model = processors[0]?.model.trim() ?? "unknown processor";
  const memory = `${String(Math.round(totalmem() / 2 ** 30))} GiB`;
  const names = ["mparticle-events", ...peers()];
  const versions = names.map((name) => `${name} ${readManifest(join(MODULES, name)).version}`);
  return [
    `${String(processors.length)} × ${model}, ${memory}, ${type()}, loopback`,
    `Node ${process.versions.node}, V8 ${process.versions.v8}, OpenSSL ${process.versions.openssl}`,
    versions.join(", "),
  ];
}
