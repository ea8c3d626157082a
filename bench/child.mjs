/**
 * Prepares one scenario with one candidate in a process of its own, `node child.mjs '{"scenario":…}'`, then measures one
 * round whenever it is told to, over IPC. Candidates that live through all rounds are measured warm.
 */
const job = JSON.parse(process.argv[2]);
const { prepare } = await import(`./scenarios/${job.scenario}.mjs`);
const round = await prepare(job);
process.on("message", async () => {
  process.send(await round());
});
process.on("disconnect", () => process.exit());
process.send("ready");
