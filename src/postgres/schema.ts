import { RECORD_VERSION } from "../fleet/record-version.ts";

/**
 * The tables of the outbox, as SQL to run or to paste into a migration. It may run again: what is there stays.
 *
 * Rows of `mparticle_events_batch` live for seconds, so that dead ones are collected early and often. A row of
 * `mparticle_events_lane` is a lease, which survives a pooler that gives each statement another session.
 *
 * @param lanes - how many lanes there are; a user belongs to one of them, and a lane to one worker at a time. It counts
 *   when the tables are made and stays: with another number, two versions of a service would disagree about a user's lane.
 */
export function schemaSql(lanes: number): string {
  return `
CREATE TABLE IF NOT EXISTS mparticle_events_batch (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  lane integer NOT NULL,
  user_hash bigint NOT NULL,
  source_request_id text NOT NULL,
  body text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  version smallint NOT NULL DEFAULT 1,
  deaths smallint NOT NULL DEFAULT 0
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
  autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000);

CREATE TABLE IF NOT EXISTS mparticle_events_dead (
  id bigint PRIMARY KEY,
  user_hash bigint NOT NULL,
  source_request_id text NOT NULL,
  body text NOT NULL,
  created_at timestamptz NOT NULL,
  died_at timestamptz NOT NULL DEFAULT now(),
  reason text NOT NULL,
  version smallint NOT NULL DEFAULT 1
);

CREATE TABLE IF NOT EXISTS mparticle_events_lane (
  lane integer PRIMARY KEY,
  owner text,
  lease_until timestamptz NOT NULL DEFAULT '-infinity',
  version smallint NOT NULL DEFAULT 1
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
INSERT INTO mparticle_events_lane (lane)
  SELECT lane FROM generate_series(0, ${String(lanes - 1)}) AS lane
  WHERE NOT EXISTS (SELECT FROM mparticle_events_lane)
  ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS mparticle_events_worker (
  owner text PRIMARY KEY,
  seen_until timestamptz NOT NULL,
  version smallint NOT NULL DEFAULT 1
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

CREATE TABLE IF NOT EXISTS mparticle_events_pace (
  id boolean PRIMARY KEY DEFAULT true CHECK (id),
  turns text[] NOT NULL DEFAULT '{}',
  turn_batches integer[] NOT NULL DEFAULT '{}',
  turn_until_ms bigint[] NOT NULL DEFAULT '{}',
  paused_until_ms bigint NOT NULL DEFAULT 0,
  share double precision NOT NULL DEFAULT 1,
  share_until_ms bigint NOT NULL DEFAULT 0,
  idle_until timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
INSERT INTO mparticle_events_pace DEFAULT VALUES ON CONFLICT DO NOTHING;

-- Asked first, because CREATE INDEX IF NOT EXISTS and ADD COLUMN IF NOT EXISTS wait for all who write to the table, and all
-- others wait for them. The version of a batch is that of its form; of a lane, what is needed to read all that is in it.
-- The deaths of a batch are the workers that may have ended because of it. A batch in a lane that is not there would never be sent.
DO $upgrade$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['batch', 'dead', 'lane', 'worker'] LOOP
    IF NOT EXISTS (
      SELECT FROM pg_attribute WHERE attrelid = ('mparticle_events_' || name)::regclass AND attname = 'version'
    ) THEN
      EXECUTE format('ALTER TABLE mparticle_events_%s ADD COLUMN version smallint NOT NULL DEFAULT 1', name);
    END IF;
  END LOOP;
  IF NOT EXISTS (
    SELECT FROM pg_attribute WHERE attrelid = 'mparticle_events_batch'::regclass AND attname = 'deaths'
  ) THEN
    ALTER TABLE mparticle_events_batch ADD COLUMN deaths smallint NOT NULL DEFAULT 0;
  END IF;
  IF NOT EXISTS (
    SELECT FROM pg_constraint
    WHERE conrelid = 'mparticle_events_batch'::regclass AND conname = 'mparticle_events_batch_has_lane'
  ) THEN
    EXECUTE format(
      'ALTER TABLE mparticle_events_batch ADD CONSTRAINT mparticle_events_batch_has_lane CHECK (lane BETWEEN 0 AND %s)',
      (SELECT max(lane) FROM mparticle_events_lane)
    );
  END IF;
  IF to_regclass('mparticle_events_batch_lane') IS NULL THEN
    CREATE INDEX mparticle_events_batch_lane ON mparticle_events_batch (lane, id);
  END IF;
  IF to_regclass('mparticle_events_batch_newer_${String(RECORD_VERSION)}') IS NULL THEN
    CREATE INDEX mparticle_events_batch_newer_${String(RECORD_VERSION)} ON mparticle_events_batch (lane, user_hash, id)
      WHERE version > ${String(RECORD_VERSION)};
  END IF;
END $upgrade$;

-- Gives a request its turn: how many batches it may hold, or when to ask again. A turn counts until the time beside it.
-- The row is locked by a statement of its own, because one that locks and reads sees the row as it was before.
CREATE OR REPLACE FUNCTION mparticle_events_take(
  wanted integer, rate double precision, turn text, turn_ms integer, part integer, OUT given integer, OUT wait_ms bigint
) LANGUAGE plpgsql AS $take$
DECLARE
  pace mparticle_events_pace;
  now_ms bigint;
  most integer;
  room integer;
  kept text[];
  kept_batches integer[];
  kept_until_ms bigint[];
BEGIN
  given := 0;
  PERFORM FROM mparticle_events_pace FOR UPDATE;
  SELECT * INTO pace FROM mparticle_events_pace;
  now_ms := floor(extract(epoch FROM clock_timestamp()) * 1000);
  wait_ms := greatest(0, pace.paused_until_ms - now_ms);
  IF wait_ms > 0 THEN RETURN; END IF;
  most := greatest(1, floor(rate * CASE WHEN pace.share_until_ms > now_ms THEN pace.share ELSE 1 END));
  SELECT array_agg(id), array_agg(batches), array_agg(until_ms), most - coalesce(sum(batches), 0)
    INTO kept, kept_batches, kept_until_ms, room
    FROM unnest(pace.turns, pace.turn_batches, pace.turn_until_ms) AS counted (id, batches, until_ms)
    WHERE until_ms > now_ms;
  IF room < least(wanted, ceil(most::double precision / part)) THEN
    SELECT greatest(5, least(100, min(until_ms) - now_ms)) INTO wait_ms FROM unnest(kept_until_ms) AS until_ms;
    RETURN;
  END IF;
  given := least(wanted, room);
  UPDATE mparticle_events_pace SET turns = coalesce(kept, '{}') || turn,
    turn_batches = coalesce(kept_batches, '{}') || given,
    turn_until_ms = coalesce(kept_until_ms, '{}') || (now_ms + turn_ms);
END
$take$;

-- Lets a turn count for so long from now: longer while its request is on its way, a second after its answer.
CREATE OR REPLACE FUNCTION mparticle_events_count_for(turn text, batches integer, duration_ms integer)
RETURNS void LANGUAGE plpgsql AS $count$
DECLARE
  pace mparticle_events_pace;
  until_ms bigint;
  place integer;
BEGIN
  PERFORM FROM mparticle_events_pace FOR UPDATE;
  SELECT * INTO pace FROM mparticle_events_pace;
  until_ms := floor(extract(epoch FROM clock_timestamp()) * 1000) + duration_ms;
  place := coalesce(array_position(pace.turns, turn), coalesce(array_length(pace.turns, 1), 0) + 1);
  pace.turns[place] := turn;
  pace.turn_batches[place] := batches;
  pace.turn_until_ms[place] := until_ms;
  UPDATE mparticle_events_pace
    SET turns = pace.turns, turn_batches = pace.turn_batches, turn_until_ms = pace.turn_until_ms;
END
$count$;
`.trimStart();
}
