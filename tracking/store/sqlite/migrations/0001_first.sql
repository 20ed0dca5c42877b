-- What the store has taken in. One row.
CREATE TABLE applied (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    seq   INTEGER NOT NULL,
    epoch TEXT    NOT NULL
);
INSERT INTO applied VALUES (1, 0, '');

CREATE TABLE party    (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID; -- body: JSON, as in package tracking
CREATE TABLE key      (id TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE shipment (id TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE progress (shipment TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE plan     (id TEXT PRIMARY KEY, owner TEXT NOT NULL, body BLOB NOT NULL); -- body: JSON packed with s2

CREATE TABLE event (
    seq      INTEGER NOT NULL,
    n        INTEGER NOT NULL,
    shipment TEXT    NOT NULL,
    body     TEXT    NOT NULL,
    PRIMARY KEY (seq, n)
) WITHOUT ROWID;
CREATE INDEX event_shipment ON event (shipment, seq, n) WHERE shipment <> '';

-- Latest state of each unit, except what still waits in tail.
CREATE TABLE unit (
    id        INTEGER PRIMARY KEY,
    unit      TEXT    NOT NULL UNIQUE,
    carrier   TEXT    NOT NULL,
    mode      TEXT    NOT NULL,
    shipment  TEXT    NOT NULL,
    fixes     INTEGER NOT NULL,
    simulated INTEGER NOT NULL,
    latest    BLOB             -- package history, EncodeFix; NULL before the first fix
);

-- History: see package history. Times are device time in Unix seconds.
CREATE TABLE tail (
    seq  INTEGER PRIMARY KEY,  -- applied.seq after the changes in body
    body BLOB NOT NULL         -- package history, AppendBatch
);
CREATE TABLE open (
    unit       INTEGER PRIMARY KEY,  -- unit.id
    sealed_end INTEGER NOT NULL,
    start      INTEGER NOT NULL,
    "end"      INTEGER NOT NULL,
    n          INTEGER NOT NULL,
    blocks     INTEGER NOT NULL,
    body       BLOB                  -- package chunk; NULL when n is 0
);
CREATE TABLE sealed (
    id    INTEGER PRIMARY KEY,
    unit  INTEGER NOT NULL,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    n     INTEGER NOT NULL,
    body  BLOB    NOT NULL           -- package chunk
);
CREATE UNIQUE INDEX sealed_unit ON sealed (unit, start);
