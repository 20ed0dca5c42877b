-- Which units reported from a cell on a day: package history, Place. A row is
-- written when fixes leave the tail.
CREATE TABLE place (
    place INTEGER NOT NULL,
    unit  INTEGER NOT NULL,   -- unit.id
    PRIMARY KEY (place, unit)
) WITHOUT ROWID;
