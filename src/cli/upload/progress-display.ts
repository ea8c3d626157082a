import { formatCount } from "../check/finding-summary.ts";
import { coloursFor, type Terminal } from "../terminal.ts";
import { formatDuration, RateMeter, type Tally } from "./tally.ts";

/** How a run is going, for whoever looks at it. */
export interface RunState extends Tally {
  readonly events: number;
  /** Handed over, and not settled. */
  readonly waiting: number;
  /** From 0 to 1; `undefined` where the length of the input is not known. */
  readonly share: number | undefined;
  /** Nothing is sent until then. */
  readonly pausedUntilMs: number;
  /** Who made it so: the service by an answer, or nobody, because none came. */
  readonly pausedBy: "service" | "no-answer";
  readonly isStopping: boolean;
}

const REDRAW_MS = 200;
const PLAIN_MS = 5000;
const BAR_WIDTH = 20;

/**
 * Shows how a run is going: on a terminal in one line that is drawn again and again, elsewhere as a line each few
 * seconds. Returns what ends it, and clears the line.
 */
export function showProgress(terminal: Terminal, state: () => RunState): () => Promise<void> {
  const { stderr, now, every, env } = terminal;
  const startedAtMs = now();
  const meter = new RateMeter();
  const colours = coloursFor(stderr, env);
  const describe = (width: number): string => {
    const run = state();
    const atMs = now();
    const settled = run.accepted + run.rejected + run.undelivered;
    const rate = meter.rate(atMs, settled);
    const pauseMs = run.pausedUntilMs - atMs;
    const { share } = run;
    const left =
      share === undefined || share === 0 || share >= 1 ? undefined : ((atMs - startedAtMs) / share) * (1 - share);
    const percent = share === undefined ? [] : [`${String(Math.floor(share * 100)).padStart(3)} %`];
    const parts = [
      ...(pauseMs > 0 ? [describePause(run.pausedBy, pauseMs)] : []),
      `${formatCount(settled)} batches`,
      `${formatCount(run.events)} events`,
      `${formatCount(rate)}/s`,
      `accepted ${formatCount(run.accepted)}`,
      `rejected ${formatCount(run.rejected)}`,
      `waiting ${formatCount(run.waiting)}`,
      ...(run.isStopping ? ["stopping"] : []),
      ...(left === undefined || run.isStopping ? [] : [`${formatDuration(left)} left`]),
    ];
    const whole = [...percent, ...parts].join(" · ");
    // The bar says what the number says: it goes first where the line is short.
    return share !== undefined && BAR_WIDTH + 3 + whole.length < width ? `${bar(share)} ${whole}` : whole;
  };

  if (!stderr.isTTY) {
    const stop = every(PLAIN_MS, () => void stderr.write(`${describe(0)}\n`));
    return () => {
      stop();
      return Promise.resolve();
    };
  }
  const draw = (): void => {
    const line = describe(stderr.columns);
    const fitting = line.length < stderr.columns ? line : `${line.slice(0, Math.max(0, stderr.columns - 2))}…`;
    void stderr.write(`\r\u001b[K${state().pausedUntilMs > now() ? colours.bad(fitting) : fitting}`);
  };
  draw();
  const stop = every(REDRAW_MS, draw);
  return async () => {
    stop();
    await stderr.write("\r\u001b[K");
  };
}

function describePause(by: RunState["pausedBy"], pauseMs: number): string {
  const duration = formatDuration(pauseMs);
  return by === "service" ? `paused by the service for ${duration}` : `no answer, next try in ${duration}`;
}

function bar(share: number): string {
  const full = Math.round(Math.min(1, share) * BAR_WIDTH);
  return `[${"█".repeat(full)}${"░".repeat(BAR_WIDTH - full)}]`;
}
