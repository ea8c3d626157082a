process.env["TRANSPORT"] = "undici";
await import("./answers.test.ts");

export {};
