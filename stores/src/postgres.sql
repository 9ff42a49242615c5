-- The ledger's tables, and its calls as functions: each call is one statement, which locks the code's row and
-- then its subject's. The rules are those of rules.rs; tests/otp/stores.rs holds all stores to them.

CREATE SCHEMA IF NOT EXISTS otls;

-- A function of an older version would keep its old rules, beside the new one or in its place: all are made anew.
-- The tables of version 1, which had no number, stay as they are.
CREATE TABLE IF NOT EXISTS otls.version (version integer NOT NULL);
DO $$
DECLARE
    found integer;
    old regprocedure;
BEGIN
    SELECT max(version) INTO found FROM otls.version;
    IF found > 2 THEN
        RAISE EXCEPTION 'its schema has version %, this build knows 2', found;
    END IF;
    IF found IS DISTINCT FROM 2 THEN
        FOR old IN SELECT oid::regprocedure FROM pg_proc WHERE pronamespace = 'otls'::regnamespace LOOP
            EXECUTE 'DROP FUNCTION ' || old;
        END LOOP;
        INSERT INTO otls.version VALUES (2);
    END IF;
END
$$;

CREATE TABLE IF NOT EXISTS otls.codes (
    id bytea PRIMARY KEY,
    subject text NOT NULL,
    pepper_id bytea NOT NULL,
    mac bytea NOT NULL,
    issued_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    attempts bigint NOT NULL,
    failures bigint NOT NULL,
    outcome smallint NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS codes_by_expiry ON otls.codes (expires_at);

CREATE TABLE IF NOT EXISTS otls.subjects (
    subject text PRIMARY KEY,
    failures bigint NOT NULL DEFAULT 0,
    locked boolean NOT NULL DEFAULT false,
    window_start bigint NOT NULL DEFAULT 0,
    issues bigint NOT NULL DEFAULT 0
);

-- What customers have signed. Nothing forgets it but who is told to.
CREATE TABLE IF NOT EXISTS otls.receipts (
    id bytea PRIMARY KEY,
    subject text NOT NULL,
    kept_at bigint NOT NULL,
    receipt bytea NOT NULL
);
CREATE INDEX IF NOT EXISTS receipts_by_time ON otls.receipts (kept_at);

-- Why no code is judged any more, or NULL.
CREATE OR REPLACE FUNCTION otls.closed(code otls.codes, subject otls.subjects, subject_attempts bigint, now bigint)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN code.outcome = 1 THEN 'used'
        WHEN code.outcome = 2 THEN 'cancelled'
        WHEN code.failures >= code.attempts OR subject.locked OR subject.failures >= subject_attempts THEN 'locked'
        WHEN now >= code.expires_at THEN 'expired'
    END
$$;

CREATE OR REPLACE FUNCTION otls.insert(
    new_id bytea, name text, pepper_id bytea, mac bytea, now bigint, expires_at bigint, attempts bigint,
    replaces bytea, subject_attempts bigint, most bigint, seconds bigint, keep bigint, forget_at_once bigint,
    OUT word text, OUT number bigint
) LANGUAGE plpgsql AS $$
DECLARE
    old otls.codes;
    subject otls.subjects;
    ends bigint;
BEGIN
    DELETE FROM otls.codes WHERE id IN (
        SELECT id FROM otls.codes c WHERE c.expires_at < now - keep LIMIT forget_at_once FOR UPDATE SKIP LOCKED);
    IF replaces IS NOT NULL THEN
        SELECT * INTO old FROM otls.codes c WHERE c.id = replaces AND c.subject = name FOR UPDATE;
        IF NOT FOUND THEN word := 'unknown'; RETURN; END IF;
    END IF;
    INSERT INTO otls.subjects (subject) VALUES (name) ON CONFLICT DO NOTHING;
    SELECT * INTO subject FROM otls.subjects s WHERE s.subject = name FOR UPDATE;
    IF replaces IS NOT NULL THEN
        word := otls.closed(old, subject, subject_attempts, now);
        IF word IS NOT NULL THEN RETURN; END IF;
    END IF;
    IF subject.locked OR subject.failures >= subject_attempts THEN word := 'subject locked'; RETURN; END IF;
    -- Without overflow: a window may be as long as a number can be.
    ends := least(subject.window_start::numeric + seconds, 9223372036854775807)::bigint;
    IF subject.window_start > now OR now >= ends THEN
        UPDATE otls.subjects s SET window_start = now, issues = 1 WHERE s.subject = name;
    ELSIF subject.issues >= most THEN
        word := 'throttled'; number := ends; RETURN;
    ELSE
        UPDATE otls.subjects s SET issues = s.issues + 1 WHERE s.subject = name;
    END IF;
    IF replaces IS NOT NULL THEN
        UPDATE otls.codes c SET outcome = 2 WHERE c.id = replaces;
    END IF;
    INSERT INTO otls.codes VALUES (new_id, name, pepper_id, mac, now, expires_at, attempts,
                                   coalesce(old.failures, 0));
    word := 'kept';
END
$$;

-- `pepper_ids` and `macs` have one element for each pepper.
CREATE OR REPLACE FUNCTION otls.verify(
    code_id bytea, name text, now bigint, subject_attempts bigint, pepper_ids bytea[], macs bytea[], receipt bytea,
    OUT word text, OUT number bigint
) LANGUAGE plpgsql AS $$
DECLARE
    code otls.codes;
    subject otls.subjects;
BEGIN
    SELECT * INTO code FROM otls.codes c WHERE c.id = code_id AND c.subject = name FOR UPDATE;
    IF NOT FOUND THEN word := 'unknown'; RETURN; END IF;
    SELECT * INTO subject FROM otls.subjects s WHERE s.subject = name FOR UPDATE;
    word := otls.closed(code, subject, subject_attempts, now);
    IF word IS NOT NULL THEN RETURN; END IF;
    FOR i IN 1 .. coalesce(array_length(macs, 1), 0) LOOP
        -- Who presents a code cannot choose its mac, which takes the pepper: how long this takes tells nothing.
        IF pepper_ids[i] = code.pepper_id AND macs[i] = code.mac THEN
            UPDATE otls.codes c SET outcome = 1 WHERE c.id = code_id;
            UPDATE otls.subjects s SET failures = 0 WHERE s.subject = name AND s.failures <> 0;
            IF receipt IS NOT NULL THEN
                INSERT INTO otls.receipts VALUES (code_id, name, now, receipt);
            END IF;
            word := 'accepted';
            RETURN;
        END IF;
    END LOOP;
    UPDATE otls.codes c SET failures = c.failures + 1 WHERE c.id = code_id;
    UPDATE otls.subjects s SET failures = s.failures + 1 WHERE s.subject = name;
    word := 'wrong';
    number := greatest(0, least(code.attempts - code.failures, subject_attempts - subject.failures) - 1);
END
$$;

-- The first receipt of a code stays.
CREATE OR REPLACE FUNCTION otls.cancel(
    code_id bytea, name text, now bigint, receipt bytea, OUT word text, OUT number bigint
) LANGUAGE plpgsql AS $$
DECLARE
    found_outcome smallint;
BEGIN
    SELECT c.outcome INTO found_outcome FROM otls.codes c WHERE c.id = code_id AND c.subject = name FOR UPDATE;
    IF NOT FOUND THEN
        word := 'unknown';
    ELSIF found_outcome = 1 THEN
        word := 'used';
    ELSE
        UPDATE otls.codes c SET outcome = 2 WHERE c.id = code_id;
        IF receipt IS NOT NULL THEN
            INSERT INTO otls.receipts VALUES (code_id, name, now, receipt) ON CONFLICT DO NOTHING;
        END IF;
        word := 'cancelled';
    END IF;
END
$$;
