-- What is rare and rich (tracking.Object): fences, visits, and what comes.
CREATE TABLE object (kind text NOT NULL, id text NOT NULL, body json NOT NULL, PRIMARY KEY (kind, id));
