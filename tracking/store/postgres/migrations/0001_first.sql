-- What the store has taken in. One row; whoever writes locks it first.
CREATE TABLE applied (
    one    boolean PRIMARY KEY DEFAULT true CHECK (one),
    seq    bigint  NOT NULL,
    epoch  text    NOT NULL,
    sealed bigint  NOT NULL  -- the tail was moved up to here
);
INSERT INTO applied (seq, epoch, sealed) VALUES (0, '', 0);

-- body: JSON, as in package tracking. Not jsonb: geometries are given back byte for byte.
CREATE TABLE party    (id text PRIMARY KEY, body json NOT NULL);
CREATE TABLE key      (id text PRIMARY KEY, body json NOT NULL);
CREATE TABLE shipment (id text PRIMARY KEY, body json NOT NULL);
CREATE TABLE progress (shipment text PRIMARY KEY, body json NOT NULL);
CREATE TABLE plan     (id text PRIMARY KEY, owner text NOT NULL, body json NOT NULL);

CREATE TABLE event (
    seq      bigint NOT NULL,
    n        bigint NOT NULL,
    shipment text   NOT NULL,
    body     json   NOT NULL,
    PRIMARY KEY (seq, n)
);
CREATE INDEX event_shipment ON event (shipment, seq, n) WHERE shipment <> '';

-- Latest state of each unit, except what still waits in tail.
CREATE TABLE unit (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    unit      text    NOT NULL UNIQUE,
    carrier   text    NOT NULL,
    mode      text    NOT NULL,
    shipment  text    NOT NULL,
    fixes     bigint  NOT NULL,
    simulated boolean NOT NULL,
    latest    bytea            -- package history, EncodeFix; null before the first fix
);

-- History: see package history. Times are device time in Unix seconds. Bodies are
-- compressed already and small enough to stay in their rows.
CREATE TABLE tail (
    seq  bigint PRIMARY KEY,   -- applied.seq after the changes in body
    body bytea NOT NULL        -- package history, AppendBatch
);
ALTER TABLE tail ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE TABLE open (
    unit       bigint PRIMARY KEY, -- unit.id
    sealed_end bigint NOT NULL,
    start      bigint NOT NULL,
    "end"      bigint NOT NULL,
    n          integer NOT NULL,
    blocks     integer NOT NULL,
    body       bytea               -- package chunk; null when n is 0
) WITH (fillfactor = 50, toast_tuple_target = 8160);
ALTER TABLE open ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE TABLE sealed (
    unit  bigint  NOT NULL,
    start bigint  NOT NULL,
    "end" bigint  NOT NULL,
    n     integer NOT NULL,
    body  bytea   NOT NULL,        -- package chunk
    PRIMARY KEY (unit, start)
) WITH (toast_tuple_target = 8160);
ALTER TABLE sealed ALTER COLUMN body SET STORAGE EXTERNAL;
