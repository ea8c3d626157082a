process.env["TRANSPORT"] = "undici";
await import("./waits.test.ts");

export {};
