import type { Row } from "./row.ts";
import { backfill } from "./rows/backfill.ts";
import { backfillRows } from "./rows/backfill-rows.ts";
import { bulk } from "./rows/bulk.ts";
import { burst } from "./rows/burst.ts";
import { check } from "./rows/check.ts";
import { coalesce } from "./rows/coalesce.ts";
import { fleet } from "./rows/fleet.ts";
import { growing } from "./rows/growth.ts";
import { memory } from "./rows/memory.ts";
import { outbox } from "./rows/outbox.ts";
import { page } from "./rows/page.ts";
import { queue } from "./rows/queue.ts";
import { recovery } from "./rows/recovery.ts";
import { single } from "./rows/single.ts";
import { startUp } from "./rows/start.ts";
import { spill } from "./rows/spill.ts";
import { stall } from "./rows/stall.ts";

/** All rows, in their order. */
export const ROWS: readonly Row[] = [
  single,
  coalesce,
  bulk,
  queue,
  burst,
  stall,
  recovery,
  startUp,
  check,
  outbox,
  growing,
  spill,
  page,
  memory,
  backfill,
  backfillRows,
  fleet,
];
