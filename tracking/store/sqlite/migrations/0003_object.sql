-- What is rare and rich (tracking.Object): fences, visits, and what comes. body: JSON.
CREATE TABLE object (kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
