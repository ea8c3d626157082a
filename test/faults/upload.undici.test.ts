process.env["TRANSPORT"] = "undici";
await import("./upload.test.ts");

export {};
