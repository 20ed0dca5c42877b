-- Which units reported from a cell on a day: package history, Place. A row is
-- written when fixes leave the tail.
CREATE TABLE place (
    place bigint NOT NULL,
    unit  bigint NOT NULL,     -- unit.id
    PRIMARY KEY (place, unit)
);
